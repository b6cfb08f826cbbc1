// The translator as a whole: what it yields, what it refuses and how it says so.

import { Buffer } from 'node:buffer'
import test from 'ava'
import { formatError, parseSave, type Ruleset } from 'iptables-parser'
import { encode } from '../../translator/asm/encode.ts'
import { listing } from '../../translator/asm/listing.ts'
import { countedRules } from '../../translator/counter.ts'
import { writeObject } from '../../translator/elf/object.ts'
import { laneName } from '../../translator/lane.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { fixedRules } from '../fixed-rules.ts'
import { golden } from '../golden.ts'
import { randomRules } from '../kernel/harness/random-rules.ts'
import { decidable, families, hookChoices } from '../kernel/harness/translatable.ts'
import { compile, compiled, compileText, mostFrames } from './compile.ts'

const small = {
  4: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -j web
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A FORWARD ! -i eth+ -p udp -m udp --dport 53 -j ACCEPT
-A web -p tcp -m tcp --dport 80 -j ACCEPT
-A web -p tcp -m tcp --tcp-flags SYN,ACK SYN
COMMIT
`,
  6: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
COMMIT
`,
} as const

const both: readonly Ruleset[] = families.map(family => parseSave(small[family], { family }))

/** Behind xdp and tc, forward and output are those of netfilter, and what is left of the input is one for both. */
const listed = [
  ...compiled(both, 'netfilter'),
  ...compiled(both, 'xdp').filter(({ lane }) => lane.hook === 'xdp' || lane.leftovers),
  ...compiled(both, 'tc').filter(({ lane }) => lane.hook === 'tc-ingress'),
]

for (const { lane, spec } of listed) {
  const name = `${laneName(lane)}${lane.leftovers ? '-leftovers' : ''}`
  test(`the listing of ${name}`, t => {
    const rules = countedRules(both).map(({ rule }) => rule)
    golden(t, `fixtures/listings/${name}.txt`, listing(spec, { rules }))
  })
}

/** Rules that ask the kernel's own state: its routes, connections, sockets, bridges and clock, and what matches by count and by chance. */
const asking = parseSave(
  `*filter
-A OUTPUT -m addrtype --dst-type LOCAL -j ACCEPT
-A OUTPUT -m conntrack --ctexpire 0:30 -m helper --helper ftp
-A OUTPUT -m owner --gid-owner 100 --suppl-groups -m cgroup ! --path user.slice
-A OUTPUT -m physdev --physdev-in eth0 --physdev-is-bridged -j DROP
-A OUTPUT -m time --timestart 22:00 --timestop 06:00 --weekdays Mon,Tue --monthdays 1 --contiguous -j DROP
-A OUTPUT -m statistic --mode nth --every 3 --packet 1 -m statistic --mode random --probability 0.5 -j DROP
COMMIT
`,
  { family: 4 },
)

test('the listing of rules that ask what only the kernel knows', t => {
  const output = compiled([asking], 'netfilter').find(({ lane }) => lane.hook === 'nf-output')
  if (!output) return t.fail('no program')
  const rules = countedRules([asking]).map(({ rule }) => rule)
  golden(t, 'fixtures/listings/kernel-state.txt', listing(output.spec, { rules }))
})

/** Rules that look into headers and at places: of each kind one, so that what the prologue does for it can be read. */
const looking = parseSave(
  `*filter
-A OUTPUT -m rt --rt-type 0 --rt-segsleft 1 --rt-0-addrs 2001:db8::1 -j DROP
-A OUTPUT -m rt --rt-type 0 --rt-0-addrs 2001:db8::1,2001:db8::2 --rt-0-not-strict -j DROP
-A OUTPUT -m srh ! --srh-hdr-len-gt 4 --srh-nsid 2001:db8::/32 -j DROP
-A OUTPUT -m frag --fragid 1:5 --fragres --fragfirst -j DROP
-A OUTPUT -m hbh --hbh-len 8 --hbh-opts 5:2,1 -m dst -m ah --ahres -j DROP
-A OUTPUT -m ipv6header ! --header ah,esp --soft -j DROP
-A OUTPUT -p mobility-header -m mh --mh-type 5 -j DROP
-A OUTPUT -m u32 ! --u32 "6&0xff=17&&0>>24&0x3c@4=1:5" -j DROP
-A OUTPUT -m bpf --bytecode "6,48 0 0 6,2 0 0 1,96 0 0 1,21 0 1 17,22 0 0 0,6 0 0 0" -j DROP
COMMIT
`,
  { family: 6 },
)

test('the listing of rules that look into headers and at places', t => {
  const output = compiled([looking], 'netfilter').find(({ lane }) => lane.hook === 'nf-output')
  if (!output) return t.fail('no program')
  const rules = countedRules([looking]).map(({ rule }) => rule)
  golden(t, 'fixtures/listings/headers.txt', listing(output.spec, { rules }))
})

/** Rules that walk along lists: a malformed one is found by the first, and counted by the second though its packet is dropped. */
const walking = parseSave(
  `*filter
-A OUTPUT -p sctp -m sctp --dport 3868 --chunk-types all DATA:BE,SACK -j ACCEPT
-A OUTPUT -p sctp -m sctp ! --chunk-types only DATA,SACK -m ttl --ttl-lt 64 -j ACCEPT
-A OUTPUT -p dccp -m dccp --dccp-option 32 -j DROP
COMMIT
`,
  { family: 4 },
)

test('the listing of rules that walk along lists', t => {
  const output = compiled([walking], 'netfilter').find(({ lane }) => lane.hook === 'nf-output')
  if (!output) return t.fail('no program')
  const rules = countedRules([walking]).map(({ rule }) => rule)
  golden(t, 'fixtures/listings/lists.txt', listing(output.spec, { rules }))
})

test('more different questions than a program can ask are refused', t => {
  const rules = Array.from({ length: 33 }, (_, place) => `-A OUTPUT -m u32 --u32 "${place}=1" -j DROP`)
  const refusal = (lines: readonly string[]) => {
    const ruleset = parseSave(['*filter', ...lines, 'COMMIT', ''].join('\n'), { family: 4 })
    const translation = compile([ruleset], 'netfilter')
    return translation.kind === 'refused' ? translation.refusals.map(({ rule }) => rule.number) : []
  }
  t.deepEqual(refusal(rules.slice(0, 32)), [])
  t.deepEqual(refusal([...rules.slice(0, 32), ...rules.slice(0, 32)]), [])
  t.deepEqual(refusal(rules), [33])
})

const bytesOf = ({ functions }: ProgramSpec): string =>
  functions.map(({ instructions }) => Buffer.from(encode(instructions)).toString('hex')).join('\n')

test('the same rules give the same programs, byte for byte', t => {
  for (const hook of hookChoices)
    for (const family of families)
      for (const seed of [1, 2, 3]) {
        const text = randomRules({ seed, family, features: decidable(hook) })
        const [one, other] = [compileText(text, family, hook), compileText(text, family, hook)]
        t.deepEqual(
          one.map(({ spec }) => spec),
          other.map(({ spec }) => spec),
        )
        t.deepEqual(
          one.map(({ spec }) => bytesOf(spec)),
          other.map(({ spec }) => bytesOf(spec)),
        )
      }
})

test('where a rule was written makes no difference to its program', t => {
  const moved = parseSave(`\n\n${small[4]}`, { family: 4, name: 'elsewhere' })
  for (const hook of hookChoices)
    t.deepEqual(
      compiled([moved], hook).map(({ spec }) => spec),
      compileText(small[4], 4, hook).map(({ spec }) => spec),
    )
})

test('every program fits its limits: frames, and lengths of names', t => {
  for (const hook of hookChoices)
    for (const family of families)
      for (const { text, stateful } of fixedRules(family)) {
        if (stateful && hook !== 'netfilter') continue
        for (const { spec } of compileText(text, family, hook)) {
          t.true(mostFrames(spec) <= 8)
          for (const name of [spec.name, ...spec.maps.map(map => map.name)]) t.true(name.length <= 15, name)
        }
      }
})

test('every program can be written as an object file', t => {
  for (const hook of hookChoices)
    for (const { spec } of compiled(both, hook))
      t.notThrows(() => writeObject([spec], { rules: [], file: 'rules' }))
})

test('a family without rules gets no program at netfilter, and the others still do', t => {
  t.deepEqual(
    compileText(small[6], 6).map(({ lane }) => laneName(lane)),
    ['nf-input-ipv6', 'nf-forward-ipv6', 'nf-output-ipv6'],
  )
})

test('a rule set without a filter table needs no program', t => {
  t.deepEqual(compileText('*mangle\n-A INPUT -p tcp\nCOMMIT\n', 4), [])
})

const untranslatable = `*filter
:user - [0:0]
:unreachable - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m string --string x --algo bm -j DROP
-A INPUT -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p udp -j LOG
-A INPUT -j user
-A FORWARD -j REJECT
-A OUTPUT -m limit --limit 3/s -j user
-A user -m recent --name x --set -j ACCEPT
-A unreachable -j LOG
COMMIT
`

for (const hook of hookChoices)
  test(`at ${hook}, each rule that cannot be translated is told once, with its place, the reason and what to do`, t => {
    const translation = compile([parseSave(untranslatable, { family: 4, name: 'rules.v4' })], hook)
    if (translation.kind !== 'refused') return t.fail('nothing is refused')
    const told = translation.refusals.map(({ lane, reason, span, hint }) => {
      t.truthy(span)
      t.truthy(hint)
      return `${laneName(lane)}: ${formatError({ message: reason, span, hint })}\n`
    })
    t.is(new Set(translation.refusals.map(({ rule }) => rule.rule)).size, told.length)
    golden(t, `fixtures/listings/refusals-${hook}.txt`, told.join('\n'))
  })
