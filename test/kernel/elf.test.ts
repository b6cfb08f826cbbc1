// Object files in the hands of the tools they are for: bpftool, ip, tc and libbpf itself.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import koffi from 'koffi'
import { writeObject } from '../../translator/elf/object.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { sshProgram, sshRules } from '../translator/asm/ssh-program.ts'
import { compileText } from '../translator/compile.ts'
import { establishedProgram, establishedRules } from '../translator/elf/nf-program.ts'
import { kernelTest } from './needs-kernel.ts'

const { BPFTABLES_REQUIRE_KERNEL: required } = process.env

const directory = mkdtempSync(join(tmpdir(), 'bpftables-elf-'))
test.after.always(() => rmSync(directory, { recursive: true }))

/** Whether the tool is there; where it must be, the test fails instead of passing without having run. */
const has = (t: ExecutionContext, tool: string): boolean => {
  const found = spawnSync(tool, ['-V']).error === undefined
  if (found) return true
  if (required === '1') t.fail(`${tool} is missing`)
  else t.pass(`${tool} is missing`)
  t.log(`not run: ${tool} is missing`)
  return false
}

const writeProgram = (name: string, program: ProgramSpec, rules: readonly string[]): string => {
  const path = join(directory, `${name}.o`)
  writeFileSync(path, writeObject([program], { rules, file: 'rules.v4' }))
  return path
}

/** Runs a script in mount and network namespaces of its own, with a bpffs of its own; its output. */
const inNamespace = (t: ExecutionContext, script: string, object: string): string => {
  const body = `set -e; mount -t bpf bpf /sys/fs/bpf; ${script}`
  const env = { ...process.env, OBJECT: object }
  const { stdout, stderr, status } = spawnSync('unshare', ['-m', '-n', 'bash', '-c', body], {
    env,
    encoding: 'utf8',
  })
  t.is(status, 0, stderr)
  return stdout
}

// Two ends of a cable: what is sent to 192.0.2.2 leaves by v1 and comes in by v0.
const cable = `
  echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
  echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
  ip link add v0 address 02:00:00:00:00:02 type veth peer name v1
  ip addr add 192.0.2.1/24 dev v1`

const traffic = `
  ip link set v0 up; ip link set v1 up
  ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v1
  for packet in 1 2 3; do printf hello >/dev/udp/192.0.2.2/9; done
  timeout 0.4 bash -c ': >/dev/tcp/192.0.2.2/22' 2>/dev/null || true`

interface Dumped {
  readonly key: readonly string[]
  readonly values: readonly { readonly cpu: number; readonly value: readonly string[] }[]
}

/** Packets and bytes of every counter, summed over CPUs, from `bpftool -j map dump`. */
const counted = (json: string): { packets: number; bytes: number }[] =>
  (JSON.parse(json) as readonly Dumped[]).map(({ values }) => {
    const sums = [0, 8].map(at =>
      values.reduce((sum, { value }) => {
        const bytes = Buffer.from(value.slice(at, at + 8).map(byte => Number(byte)))
        return sum + Number(bytes.readBigUInt64LE())
      }, 0),
    )
    return { packets: sums[0] ?? 0, bytes: sums[1] ?? 0 }
  })

// One SYN (60 bytes of IP) for the first rule, three datagrams of 33 for the second.
const expected = [
  { packets: 1, bytes: 60 },
  { packets: 3, bytes: 99 },
]

kernelTest('bpftool loads an xdp object and shows the rules between its instructions', t => {
  if (!has(t, 'bpftool')) return
  const object = writeProgram('xdp', sshProgram('xdp'), sshRules)
  const dump = inNamespace(
    t,
    'bpftool prog load $OBJECT /sys/fs/bpf/p; bpftool prog dump xlated pinned /sys/fs/bpf/p linum',
    object,
  )
  t.regex(dump, /^int ssh\(struct xdp_md \* ctx\):$/m)
  t.regex(dump, /^int count\(unsigned long index, unsigned long bytes\):$/m)
  for (const [index, rule] of sshRules.entries())
    t.true(dump.includes(`; ${rule} [file:rules.v4 line_num:${index + 1}`), dump)
})

kernelTest('ip link attaches an xdp object, and bpftool reads its counters', t => {
  if (!has(t, 'bpftool') || !has(t, 'ip')) return
  const object = writeProgram('xdp', sshProgram('xdp'), sshRules)
  const script = `${cable}
    ip link set dev v0 xdp obj $OBJECT sec xdp
    ${traffic}
    program=$(ip -j link show v0 | grep -o '"prog":{"id":[0-9]*' | grep -o '[0-9]*$' | head -1)
    bpftool -j map dump id $(bpftool -j prog show id $program | grep -o '"map_ids":.[0-9]*' | grep -o '[0-9]*$')`
  t.deepEqual(counted(inNamespace(t, script, object)), expected)
})

kernelTest('tc attaches a tc object, and bpftool reads its counters', t => {
  if (!has(t, 'bpftool') || !has(t, 'tc')) return
  const object = writeProgram('tc', sshProgram('tc-ingress'), sshRules)
  const script = `${cable}
    tc qdisc add dev v0 clsact
    tc filter add dev v0 ingress bpf direct-action object-file $OBJECT section tc
    ${traffic}
    program=$(tc filter show dev v0 ingress | grep -o ' id [0-9]*' | grep -o '[0-9]*')
    bpftool -j map dump id $(bpftool -j prog show id $program | grep -o '"map_ids":.[0-9]*' | grep -o '[0-9]*$')`
  t.deepEqual(counted(inNamespace(t, script, object)), expected)
})

/** libbpf as a library: unlike bpftool 7.1 it can be told the type of a program whose section it does not know. */
const openLibbpf = () => {
  try {
    return koffi.load('libbpf.so.1')
  } catch {
    return undefined
  }
}

/** BPF_PROG_TYPE_NETFILTER and BPF_NETFILTER of include/uapi/linux/bpf.h. */
const programType = 32
const attachType = 45

kernelTest('libbpf loads a netfilter object: kernel members, type ids, kernel functions, a map value', t => {
  const library = openLibbpf()
  if (!library) {
    if (required === '1') t.fail('libbpf.so.1 is missing')
    else t.pass('libbpf.so.1 is missing')
    return
  }
  const open = library.func('void *bpf_object__open(const char *path)')
  const find = library.func('void *bpf_object__find_program_by_name(void *object, const char *name)')
  const setType = library.func('int bpf_program__set_type(void *program, int type)')
  const setAttachType = library.func('int bpf_program__set_expected_attach_type(void *program, int type)')
  const load = library.func('int bpf_object__load(void *object)')
  const close = library.func('void bpf_object__close(void *object)')
  const object = open(writeProgram('netfilter', establishedProgram(), establishedRules))
  t.truthy(object)
  const program = find(object, 'established')
  t.is(setType(program, programType), 0)
  t.is(setAttachType(program, attachType), 0)
  t.is(load(object), 0)
  close(object)
})

kernelTest('bpftool loads an object that walks along kernel structures by the members it finds', t => {
  if (!has(t, 'bpftool')) return
  const rule = '-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT'
  for (const hook of ['xdp', 'tc'] as const) {
    const program = compileText(`*filter\n${rule}\nCOMMIT\n`, 4, hook).find(
      ({ lane }) => !lane.leftovers,
    )?.spec
    if (!program || program.type === 'NETFILTER') return t.fail('no program')
    const object = writeProgram(`types-${hook}`, program, [rule])
    const shown = inNamespace(
      t,
      'bpftool prog load $OBJECT /sys/fs/bpf/p; bpftool prog show pinned /sys/fs/bpf/p',
      object,
    )
    t.true(shown.includes(` name ${program.name} `), shown)
  }
})
