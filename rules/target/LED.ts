import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, printFlag, printValue } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { quoted, utf8Length } from '../value/quote.ts'

/** Lights a lamp. */
export interface LedTarget {
  readonly kind: 'LED'
  /** Without the `netfilter-` that the kernel puts before it. */
  readonly trigger: string
  /** Milliseconds the lamp stays on; absent: a short blink. */
  readonly delay?: number | 'inf'
  /** It blinks on each packet even while it is on. */
  readonly alwaysBlink: boolean
}

/** The kernel's field holds 27 bytes, its own 10 and a NUL among them. */
const LAST_LENGTH = 16
const FOREVER = maximum(32)

function parseTrigger(text: string): string {
  if (utf8Length(text) > LAST_LENGTH)
    throw new RuleError('ERR_VALUE', `the name "${text}" is too long`, {
      hint: `at most ${LAST_LENGTH} bytes`,
    })
  return text
}

function parseDelay(text: string): number | 'inf' {
  if (text === 'inf') return 'inf'
  const delay = parseNumber(text, 0, FOREVER, 'number of milliseconds')
  return delay === FOREVER ? 'inf' : delay
}

export const LED = defineTarget<LedTarget>()({
  name: 'LED',
  options: {
    'led-trigger-id': option(parseTrigger, { required: true }),
    'led-delay': option(parseDelay),
    'led-always-blink': flag(),
  },
  verdict: 'continue',
  build(given) {
    const delay = given['led-delay']?.value
    return {
      kind: 'LED',
      trigger: given['led-trigger-id']?.value ?? '',
      ...defined({ delay: delay === 0 ? undefined : delay }),
      alwaysBlink: given['led-always-blink'] !== undefined,
    }
  },
  // iptables-save prints long delays as negative numbers, which iptables-restore would not read
  print: ({ trigger, delay, alwaysBlink }) =>
    ` --led-trigger-id ${quoted(trigger)}` +
    printValue('led-delay', delay) +
    printFlag('led-always-blink', alwaysBlink),
  // as a signed number, like iptables
  list: ({ trigger, delay = 0, alwaysBlink }) =>
    ` led-trigger-id:${listTrigger(trigger)} led-delay:${delay === 'inf' ? 'inf' : `${delay | 0}ms`}` +
    listFlag('led-always-blink', alwaysBlink),
})

/** Unlike iptables-save it leaves single quotes alone. */
const listTrigger = (trigger: string): string =>
  `"${trigger.replace(/["\\]/g, character => `\\${character}`)}"`
