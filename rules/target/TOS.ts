import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { withTypeOfService } from '../packet/change.ts'
import { maximum } from '../value/number.ts'
import { printTos, printTosByte, tosName } from '../value/tos.ts'
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
  list: (target, { numeric }) => (numeric ? ` TOS set ${printTos(target)}` : listChange(target)),
})

function listChange({ value, mask }: TosChange): string {
  const name = tosName({ value, mask })
  // so are the blanks of iptables
  if (name !== undefined) return `  TOS set${name}`
  if (mask === maximum(8)) return ` TOS set ${printTos({ value, mask })}`
  if (value === 0) return ` TOS and ${printTosByte(~mask & maximum(8))}`
  if (value === mask) return ` TOS or ${printTosByte(value)}`
  return mask === 0 ? ` TOS xor ${printTosByte(value)}` : ` TOS set ${printTos({ value, mask })}`
}
