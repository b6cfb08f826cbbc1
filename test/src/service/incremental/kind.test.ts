import test from 'ava'
import { kindOf } from '../../../../src/service/incremental/kind.ts'

const kind = (text: string): number => {
  const bytes = Buffer.from(`-A INPUT${text}\n`)
  return kindOf(bytes, '-A INPUT'.length, bytes.length - 1)
}

for (const [one, other] of [
  [' -s 10.0.0.1/32 -j DROP', ' -s 198.51.100.77/32 -j DROP'],
  [' -s 2001:db8::1/128 -j DROP', ' -s fe80::/128 -j DROP'],
  [' -p tcp -m tcp --dport 22 -j ACCEPT', ' -p tcp -m tcp --dport 1024:65535 -j ACCEPT'],
  [' -m mark --mark 0x1f -j DROP', ' -m mark --mark 0x2 -j DROP'],
] as const)
  test(`"${one}" and "${other}" are of one kind`, t => t.is(kind(one), kind(other)))

for (const [one, other] of [
  [' -s 10.0.0.1/32 -j DROP', ' -d 10.0.0.1/32 -j DROP'],
  [' -s 10.0.0.1/32 -j DROP', ' -s 10.0.0.1/32 -j ACCEPT'],
  [' -s 10.0.0.1/32 -j DROP', ' -s 10.0.0.1/32'],
  [' -p tcp -m tcp --dport 22 -j DROP', ' -p udp -m udp --dport 22 -j DROP'],
  [' -i dead -j DROP', ' -i beef -j DROP'],
] as const)
  test(`"${one}" and "${other}" are of two kinds`, t => t.not(kind(one), kind(other)))
