import test from 'ava'
import { ticksPerSecond } from '../../../src/kernel/sys/clock.ts'

test('a second has one of the numbers of timer ticks that kernels are built with', t => {
  t.true([24, 48, 100, 128, 250, 256, 300, 1000, 1024].includes(ticksPerSecond()))
})
