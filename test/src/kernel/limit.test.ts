import test from 'ava'
import { KernelError } from '../../../src/kernel/error.ts'
import { availableMemory, mapMemory, requireRoom, requireShort } from '../../../src/kernel/limit.ts'
import { movImmediate } from '../../../translator/asm/alu.ts'
import { exit } from '../../../translator/asm/jump.ts'
import { r0 } from '../../../translator/asm/register.ts'
import type { MapSpec, ProgramSpec } from '../../../translator/program.ts'

const map: MapSpec = {
  name: 'rules',
  type: 'HASH',
  keySize: 16,
  valueSize: 8,
  maxEntries: 1_000_000,
  flags: 0,
  shared: false,
}

const program = (slots: number): ProgramSpec => ({
  name: 'filter',
  hook: 'nf-input',
  type: 'NETFILTER',
  license: 'Dual MIT/GPL',
  functions: [
    {
      name: 'filter',
      parameters: [],
      instructions: [...Array.from({ length: slots - 1 }, () => movImmediate(r0, 0)), exit()],
    },
  ],
  maps: [],
})

test('a program of a million instructions is let through, a longer one is not', t => {
  t.notThrows(() => requireShort(program(1_000_000)))
  const error = t.throws(() => requireShort(program(1_000_001)), { instanceOf: KernelError })
  t.is(error?.code, 'ERR_LIMIT')
  t.regex(error?.message ?? '', /^the program filter has 1,000,001 instructions/)
})

test('maps that need more memory than there is are refused, all of them together', t => {
  const needed = mapMemory(map)
  t.notThrows(() => requireRoom([map], needed))
  const error = t.throws(() => requireRoom([map, map], needed), { instanceOf: KernelError })
  t.is(error?.code, 'ERR_LIMIT')
  t.regex(error?.message ?? '', /take \d+ MiB of memory, and \d+ are available/)
})

test('this machine has some memory left', t => {
  t.true(availableMemory() > 2 ** 20)
})
