// Programs that stand in a lane in place of those of rules.

import type { Family } from 'iptables-parser'
import type { Instruction } from '../../translator/asm/instruction.ts'
import type { Lane } from '../../translator/lane.ts'
import type { MapSpec, ProgramSpec } from '../../translator/program.ts'

/** A lane at netfilter. */
export type JudgedLane = Extract<Lane, { readonly family: Family }>

/** A program of one function. */
export const programOf = (
  lane: JudgedLane,
  name: string,
  instructions: readonly Instruction[],
  maps: readonly MapSpec[] = [],
): ProgramSpec => ({
  name,
  hook: lane.hook,
  type: 'NETFILTER',
  license: 'Dual MIT/GPL',
  functions: [{ name: 'filter', parameters: [{ name: 'ctx', type: { kind: 'context' } }], instructions }],
  maps,
})
