// What is said on a kernel that lacks what a hook needs.

import { deepEqual, equal, match } from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { release } from 'node:os'
import type { Case } from './case.ts'
import { bpftables } from './command.ts'
import { echoes } from './network.ts'
import { echoRules, type HookChoice, ruleFile } from './rules.ts'

/** The version each came with, as the message must say it. */
const origin: Readonly<Record<string, string>> = { 'TCX links': '6.6', 'netfilter hooks': '6.4' }

/** The load is refused, naming kernel, features and versions; nothing is attached or left behind. */
export const refuses = (hook: HookChoice, missing: readonly string[]): Case => ({
  title: `apply --hook ${hook} says that the kernel has no ${missing.join(' and no ')}`,
  async body() {
    const { code, stderr } = await bpftables('apply', '--hook', hook, ruleFile(echoRules('DROP')))
    equal(code, 1, stderr)
    const [message = '', hint = ''] = stderr.split('\n')
    equal(message.includes(`this kernel (${release()}) has no `), true, stderr)
    for (const feature of missing)
      equal(
        message.includes(
          `no ${feature === 'netfilter hooks' ? 'BPF programs at ' : ''}${feature} (they came with Linux ${origin[feature]}, `,
        ),
        true,
        stderr,
      )
    match(hint, /^hint: /)
    match((await bpftables('status')).stdout, /no rules are loaded/)
    deepEqual(readdirSync('/sys/fs/bpf', { recursive: true }), ['bpftables'], 'nothing is pinned')
    equal(echoes(1), 1, 'nothing filters')
    return message
  },
})
