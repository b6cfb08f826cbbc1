import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { parsePrefix } from '../value/log.ts'
import { parseNumber } from '../value/number.ts'
import { quote } from '../value/quote.ts'

export interface LogTarget {
  readonly kind: 'LOG'
  /** As of syslog: 0 is an emergency, 7 for debugging. */
  readonly level: number
  readonly prefix?: string
  readonly tcpSequence: boolean
  readonly tcpOptions: boolean
  readonly ipOptions: boolean
  /** The user whose socket sent the packet. */
  readonly uid: boolean
  /** The link-layer addresses one by one. */
  readonly macDecode: boolean
}

/** The kernel's field, without its NUL. */
const PREFIX_LENGTH = 29
const LEVELS: Readonly<Record<string, number>> = {
  emerg: 0,
  panic: 0,
  alert: 1,
  crit: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
}
const WARNING = 4

function parseLevel(text: string): number {
  if (Object.hasOwn(LEVELS, text)) return LEVELS[text] ?? WARNING
  if (/^\d/.test(text)) return parseNumber(text, 0, 7, 'log level')
  throw new RuleError('ERR_VALUE', `"${text}" is not a log level`, {
    hint: `levels are ${Object.keys(LEVELS).join(', ')}, or 0 to 7`,
  })
}

export const LOG = defineTarget<LogTarget>()({
  name: 'LOG',
  options: {
    'log-level': option(parseLevel),
    'log-prefix': option(text => parsePrefix(text, PREFIX_LENGTH)),
    'log-tcp-sequence': flag(),
    'log-tcp-options': flag(),
    'log-ip-options': flag(),
    'log-uid': flag(),
    'log-macdecode': flag(),
  },
  verdict: 'continue',
  build: given => ({
    kind: 'LOG',
    level: given['log-level']?.value ?? WARNING,
    ...defined({ prefix: given['log-prefix']?.value }),
    tcpSequence: given['log-tcp-sequence'] !== undefined,
    tcpOptions: given['log-tcp-options'] !== undefined,
    ipOptions: given['log-ip-options'] !== undefined,
    uid: given['log-uid'] !== undefined,
    macDecode: given['log-macdecode'] !== undefined,
  }),
  print: target =>
    printValue('log-prefix', target.prefix, quote) +
    printValue('log-level', target.level === WARNING ? undefined : target.level) +
    printFlag('log-tcp-sequence', target.tcpSequence) +
    printFlag('log-tcp-options', target.tcpOptions) +
    printFlag('log-ip-options', target.ipOptions) +
    printFlag('log-uid', target.uid) +
    printFlag('log-macdecode', target.macDecode),
  list: (target, { numeric }) =>
    (numeric ? ` LOG flags ${flagsOf(target)} level ${target.level}` : ` LOG ${listNames(target)}`) +
    listValue('prefix', target.prefix, prefix => `"${prefix}"`),
})

/** XT_LOG_* in include/uapi/linux/netfilter/xt_LOG.h. */
const flagsOf = (target: LogTarget): number =>
  Number(target.tcpSequence) |
  (Number(target.tcpOptions) << 1) |
  (Number(target.ipOptions) << 2) |
  (Number(target.uid) << 3) |
  (Number(target.macDecode) << 5)

const LEVEL_NAMES = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'] as const

const listNames = (target: LogTarget): string =>
  `level ${LEVEL_NAMES[target.level]}` +
  listFlag('tcp-sequence', target.tcpSequence) +
  listFlag('tcp-options', target.tcpOptions) +
  listFlag('ip-options', target.ipOptions) +
  listFlag('uid', target.uid) +
  listFlag('macdecode', target.macDecode)
