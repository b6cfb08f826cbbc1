// What several namespaces say of one packet.

import test from 'ava'
import { compare, costOf, packetTimes } from '../../bench/packet-time.ts'

const own = packetTimes([
  [10, 50],
  [12, 51],
  [11, 70],
])

test('a packet takes the median of its namespaces', t =>
  t.deepEqual(own, [
    { nanoseconds: 11, least: 10, greatest: 12 },
    { nanoseconds: 51, least: 50, greatest: 70 },
  ]))

test('the cost of packets says how far namespaces are apart', t =>
  t.deepEqual(costOf(own), { median: 51, p99: 51, apart: 20 }))

test('slower is what is slower in every namespace', t => {
  const other = packetTimes([
    [9, 49],
    [8, 50],
  ])
  t.deepEqual(compare(own, other), { packets: 2, slower: 1, most: 2 })
  t.deepEqual(compare(other, own), { packets: 2, slower: 0, most: 0 })
})
