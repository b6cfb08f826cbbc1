// Object files of `bpftables convert`, loaded by bpftool and attached by ip, which need less of a kernel than bpftables itself.

import { equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { Case } from './case.ts'
import { bpftables } from './command.ts'
import { echoes, inside } from './network.ts'
import { echoRules, ruleFile } from './rules.ts'
import { has, type Version } from './version.ts'

const PIN = '/sys/fs/bpf/object'

const run = (
  command: string,
  ...words: readonly string[]
): { readonly ok: boolean; readonly text: string } => {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
  return { ok: status === 0, text: `${stdout}${stderr}` }
}

/** Converts rules and has bpftool load the program. */
const load = async (rules: string): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const object = '/tmp/rules.o'
  const options = ['--hook', 'xdp', '--format', 'elf', '-o', object]
  const { code, stderr } = await bpftables('convert', ruleFile(rules), ...options)
  equal(code, 0, stderr)
  return run('bpftool', 'prog', 'load', object, PIN)
}

const drops = (title: string, device: string): Case => ({
  title,
  async body() {
    const { ok, text } = await load(echoRules('DROP', { device }))
    equal(ok, true, text)
    const attached = run('ip', 'link', 'set', inside, 'xdp', 'pinned', PIN)
    equal(attached.ok, true, attached.text)
    equal(echoes(1), 0)
    run('ip', 'link', 'set', inside, 'xdp', 'off')
    rmSync(PIN)
    equal(echoes(1), 1)
    return undefined
  },
})

const isRefused = (title: string, device: string, words: RegExp): Case => ({
  title,
  async body() {
    const { ok, text } = await load(echoRules('DROP', { device }))
    equal(ok, false)
    match(text, words)
    return words.exec(text)?.[0]
  },
})

const anyDevice = ''
const oneDevice = `-i ${inside} `

export const attach = (kernel: Version): Case[] => {
  if (!has(kernel, 'memoryParameters'))
    return [
      isRefused(
        'an object file is not taken: its chains are functions with memory',
        anyDevice,
        /Arg#\d type PTR in \S+ is not supported yet/,
      ),
    ]
  const named = 'an object file whose rules name a device'
  return [
    drops('an object file drops at xdp', anyDevice),
    has(kernel, 'kernelContext')
      ? drops(`${named} drops at xdp`, oneDevice)
      : isRefused(`${named} is not taken`, oneDevice, /bpf_cast_to_kern_ctx/),
  ]
}
