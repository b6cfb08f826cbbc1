import type { Family } from 'iptables-parser'
import { parseSave } from 'iptables-parser'
import { closeMap, createMap } from '../../../src/kernel/map.ts'
import { closeProgram, loadProgram } from '../../../src/kernel/program.ts'
import { programInfoOf } from '../../../src/kernel/sys/object.ts'
import { newLayout } from '../../../translator/counter.ts'
import { earlyLane, lanesFor } from '../../../translator/lane.ts'
import type { ProgramSpec } from '../../../translator/program.ts'
import { translate } from '../../../translator/translate.ts'

export interface Verified {
  readonly program: string
  /** Instructions the verifier went through, of the million that it allows; the kernel counts them since 5.16. */
  readonly instructions: number
}

/** Loads all programs of the rules, and at netfilter those as well that drop early; attaches none. */
export function verify(hook: 'netfilter' | 'xdp' | 'tc', family: Family, rules: string): readonly Verified[] {
  const ruleset = parseSave(rules, { family })
  const early = hook === 'netfilter' ? [earlyLane('xdp', [ruleset]), earlyLane('tc', [ruleset])] : []
  const translation = translate([ruleset], {
    lanes: [...lanesFor(hook, [ruleset]), ...early],
    counters: newLayout([ruleset]),
  })
  if (translation.kind === 'refused')
    throw new Error(translation.refusals.map(({ reason, rule }) => `${rule.rule}: ${reason}`).join('\n'))
  return translation.programs.map(({ spec }) => ({ program: spec.name, instructions: instructionsOf(spec) }))
}

function instructionsOf(spec: ProgramSpec): number {
  const maps = new Map(spec.maps.map(map => [map.name, createMap(map)]))
  try {
    const program = loadProgram(spec, maps)
    try {
      return programInfoOf(program.fd).verified_insns
    } finally {
      closeProgram(program)
    }
  } finally {
    for (const map of maps.values()) closeMap(map)
  }
}
