import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import {
  changeMark,
  listMarkChange,
  type MarkChange,
  markChanges,
  printMarkChange,
} from '../value/mark-change.ts'

export interface MarkTarget extends MarkChange {
  readonly kind: 'MARK'
}

const SPELLINGS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark'] as const
const change = (name: (typeof SPELLINGS)[number]) =>
  option(markChanges[name], { excludes: SPELLINGS.filter(other => other !== name) })
const NONE: MarkChange = { value: 0, mask: 0 }

export const MARK = defineTarget<MarkTarget>()({
  name: 'MARK',
  options: {
    'set-xmark': change('set-xmark'),
    'set-mark': change('set-mark'),
    'and-mark': change('and-mark'),
    'or-mark': change('or-mark'),
    'xor-mark': change('xor-mark'),
  },
  requiresOneOf: SPELLINGS,
  verdict: 'continue',
  build(given) {
    const [change = NONE] = SPELLINGS.flatMap(name => given[name]?.value ?? [])
    return { kind: 'MARK', ...change }
  },
  apply: (target, packet) => ({ ...packet, mark: changeMark(target, packet.mark ?? 0) }),
  print: target => ` --set-xmark ${printMarkChange(target)}`,
  list: target => listMarkChange('MARK', target),
})
