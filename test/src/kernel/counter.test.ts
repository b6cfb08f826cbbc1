import test from 'ava'
import { countCpus, sumCounters } from '../../../src/kernel/counter.ts'

test('possible CPUs are counted to the largest number, gaps included', t => {
  t.is(countCpus('0\n'), 1)
  t.is(countCpus('0-3\n'), 4)
  t.is(countCpus('0-1,4,6-7\n'), 8)
  t.throws(() => countCpus('\n'))
})

const into = (slots: number) => ({ packets: new BigUint64Array(slots), bytes: new BigUint64Array(slots) })

test('values are summed over CPUs into their slot', t => {
  const values = new BigUint64Array([1n, 10n, 2n, 20n, 3n, 30n, 4n, 40n])
  const sums = into(3)
  sumCounters(new Uint32Array(values.buffer), 2, 2, sums, 1)
  t.deepEqual([...sums.packets], [0n, 3n, 7n])
  t.deepEqual([...sums.bytes], [0n, 30n, 70n])
})

test('sums carry past 32 bits', t => {
  const values = new BigUint64Array([0xffff_ffffn, 2n ** 40n, 1n, 2n ** 40n + 0xffff_ffffn, 0xffff_ffffn, 1n])
  const sums = into(1)
  sumCounters(new Uint32Array(values.buffer), 1, 3, sums, 0)
  t.deepEqual([sums.packets[0], sums.bytes[0]], [0x1_ffff_ffffn, 2n ** 41n + 0x1_0000_0000n])
})
