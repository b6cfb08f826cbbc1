import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'

/** A traffic control class; each number has 16 bits. */
export interface TrafficClass {
  readonly major: number
  readonly minor: number
}

export interface ClassifyTarget {
  readonly kind: 'CLASSIFY'
  readonly class: TrafficClass
}

const NUMBER = '(?:0[xX])?0*([0-9a-fA-F]{1,4})'
const CLASS = new RegExp(`^${NUMBER}:${NUMBER}$`)

/** Both numbers are hexadecimal. Wider ones, which iptables cuts to 16 bits, are refused. */
function parseClass(text: string): TrafficClass {
  const [, major, minor] = CLASS.exec(text.trim()) ?? []
  if (major === undefined || minor === undefined)
    throw new RuleError('ERR_VALUE', `"${text}" is not a traffic class`, {
      hint: 'write major:minor in hexadecimal, each up to ffff',
    })
  return { major: Number.parseInt(major, 16), minor: Number.parseInt(minor, 16) }
}

const hex = (value: number): string => value.toString(16).padStart(4, '0')

export const CLASSIFY = defineTarget<ClassifyTarget>()({
  name: 'CLASSIFY',
  chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
  options: { 'set-class': option(parseClass, { required: true }) },
  verdict: 'continue',
  build: given => ({ kind: 'CLASSIFY', class: given['set-class']?.value ?? { major: 0, minor: 0 } }),
  print: target => ` --set-class ${hex(target.class.major)}:${hex(target.class.minor)}`,
  list: target => ` CLASSIFY set ${target.class.major.toString(16)}:${target.class.minor.toString(16)}`,
})
