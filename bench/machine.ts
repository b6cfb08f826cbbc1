import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

/** What numbers were measured on. */
export interface Machine {
  readonly processor: string
  readonly cpus: number
  readonly kernel: string
  readonly node: string
  /** Of this project; empty outside of a clone. */
  readonly commit: string
  /** net.core.bpf_jit_enable and _harden. */
  readonly jit: string
}

export const machine = (): Machine => ({
  processor: processorName(),
  cpus: cpus().length,
  kernel: release(),
  node: process.version,
  commit: commitName(),
  jit: ['enable', 'harden'].map(name => `${name}=${setting(name)}`).join(' '),
})

/** As the kernel names it; where that says little (a virtual machine's), with family, model and stepping. */
function processorName(): string {
  const text = readFileSync('/proc/cpuinfo', 'utf8')
  const value = (name: string): string => new RegExp(`^${name}\\s*: (.*)`, 'm').exec(text)?.[1] ?? ''
  const name = value('model name') || (cpus()[0]?.model ?? 'unknown processor')
  const numbers = [value('cpu family'), value('model'), value('stepping')].join('/')
  return numbers === '//' ? name : `${name} (${numbers})`
}

function setting(name: string): string {
  try {
    return readFileSync(`/proc/sys/net/core/bpf_jit_${name}`, 'utf8').trim()
  } catch {
    return '?'
  }
}

function commitName(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}

export const describeMachine = ({ processor, cpus: count, kernel, node, commit, jit }: Machine): string =>
  [
    `${processor}, ${count} CPUs`,
    `Linux ${kernel} (JIT ${jit})`,
    `Node ${node}`,
    commit && `commit ${commit}`,
  ]
    .filter(Boolean)
    .join(', ')
