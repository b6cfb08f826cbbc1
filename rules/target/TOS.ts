import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { withTypeOfService } from '../packet/change.ts'
import { printTos } from '../value/tos.ts'
import { type TosChange, tosChanges } from '../value/tos-change.ts'

export interface TosTarget extends TosChange {
  readonly kind: 'TOS'
}

const SPELLINGS = ['set-tos', 'and-tos', 'or-tos', 'xor-tos'] as const
const change = (name: (typeof SPELLINGS)[number]) =>
  option(tosChanges[name], { excludes: SPELLINGS.filter(other => other !== name) })
const NONE: TosChange = { value: 0, mask: 0 }

export const TOS = defineTarget<TosTarget>()({
  name: 'TOS',
  tables: ['mangle'],
  options: {
    'set-tos': change('set-tos'),
    'and-tos': change('and-tos'),
    'or-tos': change('or-tos'),
    'xor-tos': change('xor-tos'),
  },
  requiresOneOf: SPELLINGS,
  verdict: 'continue',
  build(given) {
    const [change = NONE] = SPELLINGS.flatMap(name => given[name]?.value ?? [])
    return { kind: 'TOS', ...change }
  },
  apply: ({ value, mask }, packet) => withTypeOfService(packet, tos => (tos & ~mask) ^ value),
  print: target => ` --set-tos ${printTos(target)}`,
})
