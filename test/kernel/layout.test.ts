// Programs that the x86 JIT compiler has no layout for as they are (translator/asm/filler.ts).

import { closeMap, createMap } from '../../src/kernel/map.ts'
import { closeProgram, loadProgram } from '../../src/kernel/program.ts'
import { withFillers } from '../../translator/asm/filler.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { compileText } from '../translator/compile.ts'
import { randomChains } from './harness/random-chains.ts'
import { kernelTest } from './needs-kernel.ts'

function load(spec: ProgramSpec): ProgramSpec {
  const maps = new Map(spec.maps.map(map => [map.name, createMap(map)]))
  try {
    const program = loadProgram(spec, maps)
    closeProgram(program)
    return program.spec
  } finally {
    for (const map of maps.values()) closeMap(map)
  }
}

const shape = { chains: 12, depth: 3, listed: 20, pods: 10 } as const

/** Found by chance: of one of these Linux 6.18.44 said "bpf_jit: fatal error". */
kernelTest('programs load that jumps back had no layout for', t => {
  t.timeout(120_000)
  for (let seed = 1_279_867_930; seed < 1_279_867_934; seed++)
    for (const family of [4, 6] as const)
      for (const { spec } of compileText(randomChains({ seed, family, ...shape }), family, 'netfilter', {
        leastDispatch: 1,
        dispatch: 'always',
      }))
        t.notThrows(() => load(spec), `seed ${seed}, IPv${family}`)
})

kernelTest('programs with fillers pass the verifier at every hook', t => {
  for (const hook of ['netfilter', 'xdp', 'tc'] as const)
    for (const { spec } of compileText(randomChains({ seed: 1, family: 4, ...shape }), 4, hook)) {
      const functions = spec.functions.map(fn => ({ ...fn, instructions: withFillers(fn.instructions, 2) }))
      t.notThrows(() => load({ ...spec, functions }), spec.name)
    }
})
