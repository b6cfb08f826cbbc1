// Keeps the code that V8 makes of the commands, for all who start them later (src/cli/launch.ts): that of the functions run by then. So it runs what
// anyone may run, on few rules and on many, and what changes rules on a kernel that is none (pretend-kernel.mjs). What is printed goes nowhere.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import launcher from '../dist/bundle/launch.cjs'
import { pretendKernel } from './pretend-kernel.mjs'

const { cachePath, commandsPath, compileCommands, evaluateCommands } = launcher
const rules = fileURLToPath(new URL('../fixtures/rulesets/demo/rules.v4', import.meta.url))

/** Behind the rules of a base chain and before them. */
const edits = [
  '-A INPUT -s 192.0.2.1 -j DROP',
  '-D INPUT -s 192.0.2.1 -j DROP',
  '-I INPUT 1 -i lo -j ACCEPT',
  '-D INPUT 1',
]

/** Among rules whose boxes overlap: one that has packets in common with most of them, one of theirs, and one that has with few. */
const boxEdits = [
  '-I INPUT 700 -p tcp --dport 8080 -j ACCEPT',
  '-D INPUT 700',
  '-D INPUT 800',
  '-I INPUT 800 -s 192.0.2.1 -d 192.0.2.2 -p tcp --dport 8080 -j ACCEPT',
]

/** What most firewalls begin with. */
const connections = [
  '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
]

/** In a chain, and where chains are called. */
const podEdits = [
  '-A policy-7 -s 192.0.2.1 -j ACCEPT',
  '-A pods -d 192.0.2.1 -j pod-8',
  '-D policy-7 -s 192.0.2.1 -j ACCEPT',
  '-D pods -d 192.0.2.1 -j pod-8',
]

/** In chains whose trees share a map, and where they are called. */
const zoneEdits = [
  '-A zone-3 -s 192.0.2.1 -j DROP',
  '-I zone-3 5 -p tcp --dport 80 -j ACCEPT',
  '-D zone-3 5',
  '-I zone-5 50 -s 10.5.0.0/20 -p tcp -j ACCEPT',
  '-I zone-7 50 -s 192.0.2.1 -p tcp -j ACCEPT',
  '-D zone-5 50',
  '-I FORWARD 5 -p tcp --dport 80 -j DROP',
  '-D FORWARD 9',
]

// V8 takes a cache only where its flags are as they were: so the commands set none here (src/service/heap.ts), and this one is set back
const { setFlagsFromString } = v8
v8.setFlagsFromString = () => {}
/** The collector would throw away the code of functions that were not run for a while. */
setFlagsFromString('--no-flush-bytecode')
const script = compileCommands()
const require = createRequire(commandsPath)
const kernel = pretendKernel()
const { perform } = evaluateCommands(script, name => (name === 'koffi' ? kernel : require(name)))
await perform('bpftables', ['fmt', rules])
await perform('bpftables', ['convert', rules])
const files = {
  few: boxes(20),
  list: list(2000),
  boxes: boxes(1500),
  pods: pods(300),
  zones: zones(24),
  connections: [...connections, ...zones(24)],
  numbered: numbered(1500),
}
await withFiles(files, async ({ few, list, boxes, pods, zones, ...others }) => {
  for (const path of [list, boxes, pods, zones, ...Object.values(others)])
    await perform('bpftables', ['convert', '--format', 'report', path])
  // where offsets in its structures are to be had
  if (!existsSync('/sys/kernel/btf/vmlinux')) return
  for (const path of [few, list]) await changeRules(path, edits)
  await changeRules(boxes, [...edits, ...boxEdits])
  await changeRules(pods, [...edits, ...podEdits])
  await changeRules(zones, [...edits, ...zoneEdits])
})
await perform('iptables', ['--version'])
setFlagsFromString('--flush-bytecode')
writeFileSync(cachePath, script.createCachedData())

/** Puts rules in force and edits them. Where the kernel's types are too old for that, what does so is compiled when it runs. */
async function changeRules(path, edits) {
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-warm-'))
  process.env.BPFTABLES_BPFFS = join(directory, 'bpffs')
  process.env.BPFTABLES_RUN_DIR = join(directory, 'run')
  process.env.BPFTABLES_STATE_DIR = join(directory, 'state')
  // with a device, as hosts have them: for it a program that drops early is made as well
  process.env.BPFTABLES_HOOK = 'auto'
  process.env.BPFTABLES_DEVICES = 'eth0'
  try {
    if (!(await succeeds('bpftables', ['apply', path]))) return
    if (!(await succeeds('iptables-restore', [path]))) return
    for (const edit of edits) if (!(await succeeds('iptables', edit.split(' ')))) return
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Quietly, unless it fails. */
async function succeeds(name, words) {
  const { write } = process.stderr
  const said = []
  process.stderr.write = text => said.push(text) > 0
  const status = await perform(name, words)
  process.stderr.write = write
  if (status !== 0)
    process.stderr.write(`not in the code cache: ${name} ${words.join(' ')}: ${said.join('')}`)
  return status === 0
}

/** Sources, which become a look-up. */
function list(count) {
  return Array.from({ length: count }, (_, at) => `-A INPUT -s 10.0.${at >> 8}.${at & 255}/32 -j DROP`)
}

/** Sources with chains of their own, of which an edit beside them reads few. */
function pods(count) {
  const each = Array.from({ length: count }, (_, at) => at)
  return [
    ...['pods', ...each.flatMap(at => [`pod-${at}`, `policy-${at}`])].map(name => `:${name} - [0:0]`),
    '-A INPUT -j pods',
    ...each.flatMap(at => [
      `-A pods -d 10.0.${at >> 8}.${at & 255}/32 -j pod-${at}`,
      `-A pod-${at} -j policy-${at}`,
      `-A pod-${at} -j DROP`,
      `-A policy-${at} -s 192.0.2.0/24 -j RETURN`,
      `-A policy-${at} -p tcp -m tcp --dport 8080 -j ACCEPT`,
    ]),
  ]
}

/** Networks with a chain each of rules of all kinds. */
function zones(count) {
  const each = Array.from({ length: count }, (_, at) => at)
  const kinds = [
    '-p tcp -m tcp --dport 22 -j ACCEPT',
    '-p udp -m multiport --dports 53,123,161 -j ACCEPT',
    '-p tcp -m tcp --dport 1024:2048 --tcp-flags SYN,ACK SYN -j DROP',
    '-m mac --mac-source 02:00:00:00:00:01 -m comment --comment "a host" -j RETURN',
    '-p icmp -m icmp --icmp-type 8 -j ACCEPT',
    '-p tcp -m tcp --sport 80 -j DROP',
  ]
  const rules = at =>
    Array.from({ length: 100 }, (_, n) => {
      const target = n % 20 === 9 ? '-p udp' : kinds[n % kinds.length]
      return `-A zone-${at} -s 10.${at}.${n}.0/${n % 3 === 0 ? 24 : 28} -d 10.${at + 1}.0.0/${16 + (n % 9)} ${target}`
    })
  return [
    ...['rest', ...each.map(at => `zone-${at}`)].map(name => `:${name} - [0:0]`),
    '-A FORWARD -i eth0 -j ACCEPT',
    ...each.map(at => `-A FORWARD -s 10.${at}.0.0/16 -d 10.${at + 1}.0.0/16 -j zone-${at}`),
    '-A FORWARD -j rest',
    ...each.flatMap(at => [...rules(at), `-A zone-${at} -j rest`]),
    '-A rest -p tcp',
    '-A rest -j DROP',
  ]
}

/** Rules as those write them that have no names for protocols. */
function numbered(count) {
  return Array.from({ length: count }, (_, at) => {
    const [source, destination] = [prefix(at * 7919, 10 + (at % 23)), prefix(at * 104_729, 32 - (at % 20))]
    return `-A FORWARD -p ${[6, 17, 7][at % 3]} -s ${source} -d ${destination} -j ACCEPT`
  })
}

/** Rules whose boxes overlap, each along one address only, which become several trees in maps. */
function boxes(count) {
  return Array.from({ length: count }, (_, at) => {
    const source = at % 2 === 0 ? '' : ` -s ${prefix(at * 7919, 14 + (at % 19))}`
    const destination = at % 2 === 1 ? '' : ` -d ${prefix(at * 104_729, 14 + ((at * 7) % 19))}`
    const low = (at * 37) % 30_000
    const verdict = at % 3 === 0 ? 'ACCEPT' : 'DROP'
    return `-A INPUT${source}${destination} -p tcp -m tcp --dport ${low}:${low + 20_000} -j ${verdict}`
  })
}

/** The prefix of that length that some address begins with. */
function prefix(bits, length) {
  const address = Math.imul(bits, 0x9e3779b1) >>> 0
  const first = Math.floor(address / 2 ** (32 - length)) * 2 ** (32 - length)
  return `${[24, 16, 8, 0].map(shift => (first >>> shift) & 255).join('.')}/${length}`
}

async function withFiles(texts, use) {
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-warm-'))
  try {
    const written = Object.entries(texts).map(([name, lines]) => {
      const path = join(directory, `${name}.v4`)
      writeFileSync(path, ['*filter', ...lines, 'COMMIT', ''].join('\n'))
      return [name, path]
    })
    await use(Object.fromEntries(written))
  } finally {
    rmSync(directory, { recursive: true })
  }
}
