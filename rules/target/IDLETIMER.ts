import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, printFlag } from '../term.ts'
import { parseName, printName } from '../value/name.ts'
import { parseNumber } from '../value/number.ts'

/** Restarts a timer that tells of the end of traffic. */
export interface IdletimerTarget {
  readonly kind: 'IDLETIMER'
  /** Seconds. */
  readonly timeout: number
  readonly label: string
  /** The timer runs on while the machine sleeps. */
  readonly alarm: boolean
}

/** MAX_IDLETIMER_LABEL_SIZE. */
const LABEL_SIZE = 28
/** The kernel counts milliseconds in 31 bits. */
const LAST_TIMEOUT = Math.floor((2 ** 31 - 1) / 1000) - 1
/** What lies beside the timers in /sys/class/xt_idletimer/timers. */
const RESERVED: readonly string[] = ['power', 'subsystem', 'uevent']

function parseLabel(text: string): string {
  if (text.includes('/') || RESERVED.includes(text))
    throw new RuleError('ERR_VALUE', `"${text}" cannot name a timer`, {
      hint: 'the kernel makes a file of that name in sysfs',
    })
  return parseName(text, LABEL_SIZE, 'timer')
}

export const IDLETIMER = defineTarget<IdletimerTarget>()({
  name: 'IDLETIMER',
  options: {
    timeout: option(text => parseNumber(text, 1, LAST_TIMEOUT, 'number of seconds'), { required: true }),
    label: option(parseLabel, { required: true }),
    alarm: flag(),
  },
  verdict: 'continue',
  build: ({ timeout, label, alarm }) => ({
    kind: 'IDLETIMER',
    timeout: timeout?.value ?? 0,
    label: label?.value ?? '',
    alarm: alarm !== undefined,
  }),
  print: ({ timeout, label, alarm }) =>
    ` --timeout ${timeout} --label ${printName(label)}${printFlag('alarm', alarm)}`,
  list: ({ timeout, label, alarm }) => ` timeout:${timeout} label:${label}${listFlag('alarm', alarm)}`,
})
