import { checkProgram } from '../cbpf/check.ts'
import type { CbpfInstruction } from '../cbpf/instruction.ts'
import { runProgram } from '../cbpf/run.ts'
import { RuleError } from '../error.ts'
import { EvaluationError } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** A program decides: the packet matches where it returns anything but 0. */
export type BpfMatch =
  | { readonly kind: 'bpf'; readonly program: readonly CbpfInstruction[] }
  | {
      readonly kind: 'bpf'
      /** A socket filter on bpffs. */
      readonly path: string
    }

/** XT_BPF_MAX_NUM_INSTR */
const MOST_INSTRUCTIONS = 64
/** XT_BPF_PATH_MAX */
const PATH_SIZE = 512

/** `count,code jt jf k,code jt jf k,…`, as `tcpdump -ddd` and nfbpf_compile write programs; all numbers are decimal. */
function parseProgram(text: string): CbpfInstruction[] {
  const [count = '', ...words] = text.split(',')
  const program = words.filter((word, index) => word !== '' || index < words.length - 1).map(parseInstruction)
  if (decimal(count.trimStart(), 16, 'number of instructions') !== program.length || program.length === 0)
    throw new RuleError(
      'ERR_VALUE',
      `the program says it has ${count} instructions, but ${program.length} follow`,
      {
        hint: 'write count,code jt jf k,code jt jf k,…',
      },
    )
  if (program.length > MOST_INSTRUCTIONS)
    throw new RuleError('ERR_VALUE', `${program.length} instructions are too many`, {
      hint: `at most ${MOST_INSTRUCTIONS}; a larger program can be pinned, see --object-pinned`,
    })
  checkProgram(program)
  return program
}

function parseInstruction(text: string): CbpfInstruction {
  const [code, jt, jf, k, ...rest] = text.trim().split(/\s+/)
  if (code === undefined || jt === undefined || jf === undefined || k === undefined || rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not an instruction`, { hint: 'write code jt jf k' })
  return {
    code: decimal(code, 16, 'code'),
    jt: decimal(jt, 8, 'jump'),
    jf: decimal(jf, 8, 'jump'),
    k: decimal(k, 32, 'operand'),
  }
}

function decimal(text: string, bits: number, what: string): number {
  if (!/^\+?\d+$/.test(text)) throw new RuleError('ERR_VALUE', `"${text}" is not a ${what}`)
  return parseNumber(String(Number(text)), 0, maximum(bits), what)
}

const printProgram = (program: readonly CbpfInstruction[]): string =>
  [program.length, ...program.map(printInstruction)].join(',')

const printInstruction = ({ code, jt, jf, k }: CbpfInstruction): string => `${code} ${jt} ${jf} ${k}`

export const bpf = defineMatch<BpfMatch>()({
  name: 'bpf',
  options: {
    bytecode: option(parseProgram, { excludes: ['object-pinned'] }),
    'object-pinned': option(text => parseName(text, PATH_SIZE, 'program'), { excludes: ['bytecode'] }),
  },
  requiresOneOf: ['bytecode', 'object-pinned'],
  build: given =>
    given['object-pinned']
      ? { kind: 'bpf', path: given['object-pinned'].value }
      : { kind: 'bpf', program: given.bytecode?.value ?? [] },
  print: match =>
    'path' in match
      ? ` --object-pinned ${printName(match.path)}`
      : ` --bytecode "${printProgram(match.program)}"`,
  // iptables puts a NUL behind the program, and no blank before the word
  list: match =>
    'path' in match
      ? `match bpf pinned ${match.path}`
      : `match bpf ${match.program.map(printInstruction).join(',')}\0`,
  evaluate(match, packet) {
    if ('path' in match)
      throw new EvaluationError(`what ${match.path} does is not decided by the packet alone`)
    return runProgram(match.program, packet) !== 0
  },
})
