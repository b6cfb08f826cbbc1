import test from 'ava'
import { decode } from '../../../translator/asm/encode.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import { callFunction, callKfunc, exit } from '../../../translator/asm/jump.ts'
import {
  loadCgroup,
  loadMap,
  loadMapValue,
  loadMember,
  ticksPerSecond,
} from '../../../translator/asm/memory.ts'
import { r1, r2 } from '../../../translator/asm/register.ts'
import { contentsOf } from '../../../translator/contents.ts'
import { ObjectError } from '../../../translator/elf/error.ts'
import { writeObject } from '../../../translator/elf/object.ts'
import type { MapSpec, ProgramSpec } from '../../../translator/program.ts'
import { sshProgram, sshRules } from '../asm/ssh-program.ts'
import { establishedProgram } from './nf-program.ts'
import { readElf } from './read-elf.ts'

const FUNC = 2
const OBJECT = 1
const NOTYPE = 0

const program = (instructions: readonly Instruction[], maps: readonly MapSpec[] = []): ProgramSpec => ({
  ...sshProgram(),
  functions: [{ name: 'main', parameters: [{ name: 'ctx', type: { kind: 'context' } }], instructions }],
  maps,
})

const array: MapSpec = {
  name: 'state',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
  shared: false,
}

test('the sections of an object', t => {
  const { machine, sections } = readElf(writeObject([sshProgram()], { rules: sshRules }))
  t.is(machine, 247)
  t.deepEqual(
    sections.map(({ name }) => name),
    [
      '',
      '.text',
      'xdp',
      '.maps',
      'license',
      '.BTF',
      '.BTF.ext',
      '.rel.text',
      '.relxdp',
      '.symtab',
      '.strtab',
    ],
  )
  t.is(sections.find(({ name }) => name === 'license')?.bytes.toString('latin1'), 'Dual MIT/GPL\0')
})

test('functions and maps are symbols, and instructions refer to them', t => {
  const { sections, symbols, relocations } = readElf(writeObject([sshProgram()]))
  t.deepEqual(
    symbols.slice(1).map(({ name, type, section, value }) => ({ name, type, section, value })),
    [
      { name: 'count', type: FUNC, section: '.text', value: 0 },
      { name: 'ssh', type: FUNC, section: 'xdp', value: 0 },
      { name: 'counters', type: OBJECT, section: '.maps', value: 0 },
    ],
  )
  t.deepEqual(relocations, [
    { section: '.text', offset: 16, type: 1, symbol: 'counters' },
    { section: 'xdp', offset: 14 * 8, type: 10, symbol: 'count' },
    { section: 'xdp', offset: 18 * 8, type: 10, symbol: 'count' },
  ])
  const code = decode(sections.find(({ name }) => name === 'xdp')?.bytes ?? new Uint8Array())
  t.like(code[14], { opcode: 0x85, src: 1, immediate: -1 })
})

test('kernel functions are extern symbols; the value of a map has a section', t => {
  const { symbols, sections, relocations } = readElf(writeObject([establishedProgram()]))
  t.deepEqual(
    symbols.filter(({ type }) => type === NOTYPE).map(({ name, section }) => name + section),
    ['', 'bpf_rdonly_cast', 'bpf_dynptr_from_skb', 'bpf_dynptr_slice'],
  )
  t.like(
    symbols.find(({ name }) => name === 'seen'),
    { type: OBJECT, section: '.data.seen', size: 16 },
  )
  t.deepEqual(sections.find(({ name }) => name === '.data.seen')?.bytes, Buffer.alloc(16))
  t.is(relocations.filter(({ symbol }) => symbol === 'seen').length, 2)
  const code = decode(sections.find(({ name }) => name === 'netfilter')?.bytes ?? new Uint8Array())
  t.is(code.find(({ opcode }) => opcode === 0x18)?.immediate, 8n)
})

test('programs in one object share maps, and no two functions have one symbol', t => {
  const tc = { ...sshProgram('tc-ingress'), name: 'ssh-tc' }
  const { symbols, sections } = readElf(writeObject([sshProgram(), tc]))
  t.deepEqual(
    symbols.slice(1).map(({ name, section }) => `${section} ${name}`),
    ['.text count', '.text ssh_tc_count', 'tc ssh_tc', 'xdp ssh', '.maps counters'],
  )
  t.is(sections.find(({ name }) => name === '.maps')?.bytes.length, 40)
})

test('the contents of a map with a section of its own are its bytes', t => {
  const value = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
  const map = { ...array, contents: contentsOf([{ key: new Uint8Array(4), value }]) }
  const { sections } = readElf(writeObject([program([loadMapValue(r1, 'state', 4), exit()], [map])]))
  t.deepEqual(sections.find(({ name }) => name === '.data.state')?.bytes, Buffer.from(value))
})

test('the same programs give the same bytes', t => {
  t.deepEqual(
    writeObject([sshProgram()], { rules: sshRules }),
    writeObject([sshProgram()], { rules: sshRules }),
  )
})

test('rules are in the object as its source', t => {
  const { sections } = readElf(
    writeObject([sshProgram()], { rules: [sshRules[0] ?? '', '-A Ä'], file: 'rules.v4' }),
  )
  const strings = sections.find(({ name }) => name === '.BTF')?.bytes.toString('latin1') ?? ''
  for (const text of ['rules.v4', '-A INPUT -p tcp --dport 22 -j ACCEPT', '-A \\u{c4}'])
    t.true(strings.includes(`\0${text}\0`))
})

test('what an object file cannot say is refused with its reason', t => {
  const refused = (programs: readonly ProgramSpec[], code: ObjectError['code'], message: RegExp) =>
    t.throws(() => writeObject(programs), { instanceOf: ObjectError, code, message })
  const use = [loadMap(r1, 'state'), exit()]
  const contents = contentsOf([{ key: new Uint8Array(4), value: new Uint8Array(8) }])
  refused(
    [program(use, [{ ...array, type: 'HASH', contents }])],
    'ERR_ELF_CONTENTS',
    /state \(hash\) needs 1/,
  )
  refused([program(use, [{ ...array, contents }])], 'ERR_ELF_CONTENTS', /state \(array\)/)
  refused([program(use), { ...program(use, [array]), name: 'other' }], 'ERR_ELF_REFERENCE', /no map state/)
  refused(
    [program(use, [array]), { ...program(use, [{ ...array, valueSize: 16 }]), name: 'b' }],
    'ERR_ELF_MAP',
    /two different maps/,
  )
  refused([program([...use, loadMapValue(r2, 'state')], [array])], 'ERR_ELF_MAP', /both/)
  refused(
    [program([loadMapValue(r2, 'state')], [{ ...array, maxEntries: 2 }])],
    'ERR_ELF_MAP',
    /no array of one/,
  )
  refused([program(use, [{ ...array, name: 'a-b' }])], 'ERR_ELF_NAME', /a-b is no C identifier/)
  refused([sshProgram(), sshProgram(), sshProgram()], 'ERR_ELF_NAME', /two functions are called/)
  refused([program([callFunction('chain'), exit()])], 'ERR_ELF_REFERENCE', /no function chain/)
  refused([program([callKfunc('bpf_made_up'), exit()])], 'ERR_ELF_KERNEL_TYPE', /bpf_made_up/)
  refused([program([ticksPerSecond(r1), exit()])], 'ERR_ELF_KERNEL_TYPE', /how many timer ticks/)
  refused(
    [program([loadCgroup(r1, 'user.slice'), exit()])],
    'ERR_ELF_KERNEL_TYPE',
    /control group user\.slice/,
  )
  refused(
    [program([loadMember('u8', r1, r1, 'sk_buff', 'made_up')])],
    'ERR_ELF_KERNEL_TYPE',
    /sk_buff\.made_up/,
  )
})
