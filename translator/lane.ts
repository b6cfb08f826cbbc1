// How programs are swapped. What is attached to a hook is a fixed dispatcher, which tail-calls the program of the current
// generation. All programs of a type stand in one PROG_ARRAY, in two banks of lanes:
//
//     index = bank * LANES + lane          bank = generation & 1
//
// A new generation is written whole into the bank not in use; then one write of the generation word turns every hook over.

import type { Family } from 'iptables-parser'
import type { Hook, MapSpec, ProgramType } from './program.ts'

export const LANES = 8

export type Lane =
  | {
      readonly hook: 'xdp' | 'tc-ingress'
      readonly family?: undefined
      readonly leftovers?: undefined
      /** An object file's program: nothing stands behind it. */
      readonly standalone?: true
    }
  | {
      readonly hook: 'nf-input' | 'nf-forward' | 'nf-output'
      readonly family: Family
      /** Only the packets that xdp or tc leave are judged (see hook/plain.ts). */
      readonly leftovers?: true
      readonly standalone?: undefined
    }

/** Lanes of a program array, 0 to LANES - 1; the families of a netfilter hook lie side by side. */
export function laneIndex({ hook, family }: Lane): number {
  if (hook === 'nf-input' || hook === 'nf-forward' || hook === 'nf-output')
    return netfilterLane[hook] + (family === 6 ? 1 : 0)
  return 0
}

export const netfilterLane = { 'nf-input': 0, 'nf-forward': 2, 'nf-output': 4 } as const

/** A lane's name, also that of its program's pin. */
export const laneName = ({ hook, family }: Lane): string =>
  family === undefined ? hook : `${hook}-ipv${family}`

export const programType = (hook: Hook): ProgramType =>
  hook === 'xdp' ? 'XDP' : hook === 'tc-ingress' || hook === 'tc-egress' ? 'SCHED_CLS' : 'NETFILTER'

const PROGRAM_ARRAY_NAMES: Readonly<Record<ProgramType, string>> = {
  XDP: 'xdp_programs',
  SCHED_CLS: 'tc_programs',
  NETFILTER: 'nf_programs',
}

/** The PROG_ARRAY that the dispatchers of a program type call through. */
export const programArray = (type: ProgramType): MapSpec => ({
  name: PROGRAM_ARRAY_NAMES[type],
  type: 'PROG_ARRAY',
  keySize: 4,
  valueSize: 4,
  maxEntries: 2 * LANES,
  flags: 0,
  shared: true,
})

/** One u64: the number of the generation in force. Its lowest bit is the bank. */
export const generationMap: MapSpec = {
  name: 'generation',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
  shared: true,
}

/**
 * The lanes that run the base chains of these families' filter tables. xdp and tc take INPUT, with what they leave judged behind them;
 * FORWARD and OUTPUT are netfilter's always, since no policy may be accepted and then not enforced.
 */
export function lanesOf(hook: 'xdp' | 'tc' | 'netfilter', families: readonly Family[]): Lane[] {
  const all = (name: 'nf-input' | 'nf-forward' | 'nf-output'): Lane[] =>
    families.map(family => ({ hook: name, family }))
  const others = [...all('nf-forward'), ...all('nf-output')]
  if (hook === 'netfilter') return [...all('nf-input'), ...others]
  const leftovers = families.map((family): Lane => ({ hook: 'nf-input', family, leftovers: true }))
  return [{ hook: hook === 'xdp' ? 'xdp' : 'tc-ingress' }, ...leftovers, ...others]
}

/** The lane of a program that is attached by itself, as an object file's is. */
export const standaloneLane = (hook: 'xdp' | 'tc'): Lane => ({
  hook: hook === 'xdp' ? 'xdp' : 'tc-ingress',
  standalone: true,
})
