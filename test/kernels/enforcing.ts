// What works on a kernel that has what a hook needs.

import { equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { commandPath } from '../kernel/installation.ts'
import { prefixRules } from '../kernel/prefix-rules.ts'
import type { Case } from './case.ts'
import { bpftables } from './command.ts'
import { mountOver, unmountFrom } from './machine.ts'
import { echoes, echoesDuring } from './network.ts'
import { echoRules, type HookChoice, ruleFile } from './rules.ts'

const succeed = async (...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await bpftables(...words)
  equal(code, 0, stderr)
  return stdout
}

const apply = (hook: HookChoice, rules: string): Promise<string> =>
  succeed('apply', '--hook', hook, ruleFile(rules))

const savedRules = async (): Promise<string> => (await succeed('iptables-save', '-c')).replace(/^#.*\n/gm, '')

const detached = async (): Promise<void> => {
  await succeed('detach')
  equal(echoes(1), 1, 'nothing filters any more')
}

/** Verdicts and counters of two rule sets, one after the other. */
export const enforces = (hook: HookChoice): Case => ({
  title: `apply --hook ${hook} filters and counts`,
  async body() {
    await apply(hook, echoRules('ACCEPT'))
    match(await succeed('status'), /enforced/)
    equal(echoes(3), 3)
    equal(await savedRules(), echoRules('ACCEPT', { requests: 3, replies: 3 }))
    await apply(hook, echoRules('DROP'))
    equal(echoes(1), 0)
    equal(await savedRules(), echoRules('DROP', { requests: 1, replies: 3 }))
    await detached()
    return undefined
  },
})

const ECHOES = 200

/** No echo is lost while rule sets that all let it through take each other's place. */
export const keepsAnsweringThroughSwaps = (hook: 'netfilter' | 'xdp' | 'tc'): Case => ({
  title: `rule sets are swapped at ${hook} without losing a packet`,
  async body() {
    await apply(hook, echoRules('ACCEPT'))
    let swaps = 0
    let answered: number | undefined
    const counting = echoesDuring(ECHOES, () => {}).then(count => {
      answered = count
    })
    for (; answered === undefined; swaps++) {
      await apply(hook, echoRules('ACCEPT', swaps % 2 ? {} : { device: '' }))
      // nothing in there may wait for anything, and the answer comes as an event
      await turn()
    }
    await counting
    equal(answered, ECHOES)
    await detached()
    return `${swaps} swaps, ${ECHOES} echoes`
  },
})

const stateRules = (counters: string): string =>
  `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [3:84]
[0:0] -A INPUT -m conntrack --ctstate INVALID -j DROP
[1:28] -A INPUT -p icmp -m conntrack --ctstate NEW -j ACCEPT
[2:56] -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
`.replaceAll(/\[\d+:\d+\]/g, found => (counters === 'zero' ? '[0:0]' : found))

export const tracksConnections: Case = {
  title: 'the state of connections is known at netfilter',
  async body() {
    await apply('netfilter', stateRules('zero'))
    equal(echoes(3), 3)
    equal(await savedRules(), stateRules('counted'))
    await detached()
    return undefined
  },
}

/** As on a kernel without CONFIG_DEBUG_INFO_BTF. In a process of its own: this one has read the types already. */
export const needsTypes: Case = {
  title: "without the kernel's types the load is refused, saying so",
  async body() {
    const types = '/sys/kernel/btf'
    // not where commands before have kept what they learned of the types
    const BPFTABLES_RUN_DIR = mkdtempSync(join(tmpdir(), 'run-'))
    mountOver(types)
    try {
      const { status, stderr } = spawnSync(commandPath('bpftables'), ['apply', ruleFile(echoRules('DROP'))], {
        encoding: 'utf8',
        env: { ...process.env, BPFTABLES_RUN_DIR },
      })
      equal(status, 1)
      match(stderr, /cannot read the kernel's types from .*\n.*CONFIG_DEBUG_INFO_BTF.* Linux 5\.4/)
    } finally {
      unmountFrom(types)
    }
    equal(echoes(1), 1)
    return undefined
  },
}

const HARDEN = '/proc/sys/net/core/bpf_jit_harden'

/** Rules in trees, which as code take far jumps, where the kernel blinds all constants. */
export const enforcesHardened: Case = {
  title: 'large programs load where constants are blinded (bpf_jit_harden=2), and filter',
  async body() {
    const before = readFileSync(HARDEN, 'utf8')
    writeFileSync(HARDEN, '2')
    try {
      await apply('netfilter', echoRules('ACCEPT', { more: prefixRules(400) }))
      equal(echoes(3), 3)
      match(await savedRules(), /^\[3:84\] -A INPUT .*-p icmp -j ACCEPT$/m)
      await detached()
    } finally {
      writeFileSync(HARDEN, before)
    }
    return undefined
  },
}
