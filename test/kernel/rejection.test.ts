import { withDescriptorsLater } from '../../src/service/descriptors.ts'
import { loadLanes } from '../../src/service/programs.ts'
import { addImmediate } from '../../translator/asm/alu.ts'
import { exit } from '../../translator/asm/jump.ts'
import { r0 } from '../../translator/asm/register.ts'
import { kernelTest } from './needs-kernel.ts'

kernelTest('a program the verifier refuses is said by rule and line of the listing', async t => {
  const instructions = [addImmediate(r0, 7), exit()].map(instruction => ({
    ...instruction,
    origin: { rule: 1, comment: 'the port' },
  }))
  const spec = {
    name: 'bad',
    hook: 'nf-input',
    type: 'NETFILTER',
    license: 'Dual MIT/GPL',
    functions: [{ name: 'filter', parameters: [{ name: 'ctx', type: { kind: 'context' } }], instructions }],
    maps: [],
  } as const
  const rule = (number: number, text: string) =>
    ({ family: 4, table: 'filter', chain: 'INPUT', number, rule: text }) as const
  const rules = [rule(0, ':INPUT DROP'), rule(1, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT')]
  const programs = [
    {
      lane: { hook: 'nf-input', family: 4 },
      spec,
      plans: [],
      lookUps: [],
      trees: new Map(),
      walks: new Map(),
      protocols: new Map(),
      holders: new Map(),
      chainFunctions: [],
      record: { families: [4], offsets: new Map(), words: 0, end: 0 },
    },
  ] as const
  const translation = { kind: 'translated', programs, rules } as const
  const load = () =>
    withDescriptorsLater(keep => loadLanes(translation, { maps: new Map(), made: new Set() }, keep))
  const error = await t.throwsAsync(load, { code: 'ERR_REJECTED' })
  t.is(
    error?.message,
    [
      'the kernel refused the program for nf-input-ipv4: R0 !read_ok',
      '; -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      '     0: r0 += 7    ; the port',
    ].join('\n'),
  )
})
