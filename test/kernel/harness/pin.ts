import { closeSync, openSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryLock } from '../../../src/kernel/sys/lock.ts'
import { run } from './command.ts'

/** Whether no other process of this kind keeps to a CPU; from then on this one does, for as long as it runs. */
const claim = (cpu: number): boolean => {
  const file = openSync(join(tmpdir(), `bpftables-harness-cpu${cpu}.lock`), 'w')
  if (tryLock(file)) return true
  closeSync(file)
  return false
}

/** A CPU for this process alone as long as there are any. */
const chooseCpu = (): number => {
  const cpus = Array.from({ length: availableParallelism() }, (_, cpu) => cpu)
  return cpus.find(claim) ?? process.pid % cpus.length
}

let pinned = false

/**
 * Keeps the process on one CPU from the first call on. A packet waits in the queue of the CPU that sent it; in one queue, a
 * sentinel cannot overtake the packets before it.
 */
export const pin = (): void => {
  if (pinned) return
  pinned = true
  run('taskset', ['-cp', String(chooseCpu()), String(process.pid)])
}
