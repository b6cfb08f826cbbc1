// Reads into the record what time it is, in UTC, as the kernel's wall clock has it.
//
// A program can ask for International Atomic Time (TAI), which is ahead of the wall clock by a number of whole seconds that time daemons
// set. The kernel keeps how far both are ahead of the clock that counts from its start, with the timers of each CPU, and sets all of them when
// a clock is set; the difference of the two is that number. The kernel's match asks for the second that the last timer tick was in, so at the turn of a second the two
// may be a tick apart.

import { add, addImmediate, divImmediate, modImmediate, mov, mulImmediate, sub } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { call } from '../asm/jump.ts'
import { addMember, loadMember, structSize } from '../asm/memory.ts'
import { type Register, r0, r1, r2, r3, r4, r7 } from '../asm/register.ts'
import type { FieldName } from '../field.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

export const clockFields: readonly FieldName[] = [
  'clock',
  'day-second',
  'week-day',
  'month-day',
  'month-day-before',
]

const NANOSECONDS = 1_000_000_000
const DAY = 24 * 60 * 60
/** HRTIMER_BASE_REALTIME and HRTIMER_BASE_TAI. */
const base = { realTime: 1, atomicTime: 3 } as const

/** With the record filled otherwise; destroys all registers but r6. */
export function emitClock(assembler: Assembler, request: PrologueRequest): void {
  const { fields } = request
  if (!clockFields.some(field => fields.has(field))) return
  assembler.emit(
    call('bpf_ktime_get_tai_ns'),
    mov(r7, r0),
    ...loadTimerBases(),
    ...loadOffset(r3, base.atomicTime),
    ...loadOffset(r4, base.realTime),
    sub(r7, r3),
    add(r7, r4),
    divImmediate(r7, NANOSECONDS),
  )
  if (fields.has('clock')) assembler.emit(storeField(request, 'clock', r7))
  if (fields.has('day-second'))
    assembler.emit(mov(r1, r7), modImmediate(r1, DAY), storeField(request, 'day-second', r1))
  assembler.emit(divImmediate(r7, DAY))
  // the first of January 1970 was a Thursday, the fourth day
  if (fields.has('week-day'))
    assembler.emit(
      mov(r1, r7),
      addImmediate(r1, 3),
      modImmediate(r1, 7),
      addImmediate(r1, 1),
      storeField(request, 'week-day', r1),
    )
  if (fields.has('month-day')) assembler.emit(...monthDay(), storeField(request, 'month-day', r1))
  if (fields.has('month-day-before'))
    assembler.emit(addImmediate(r7, -1), ...monthDay(), storeField(request, 'month-day-before', r1))
}

/** r0 = the bases of a CPU's timers: those of the one on which the task that is interrupted was made, for whose timer they were looked up. */
const loadTimerBases = (): Instruction[] => [
  call('bpf_get_current_task_btf'),
  addMember(r0, 'task_struct', 'dl'),
  addMember(r0, 'sched_dl_entity', 'dl_timer'),
  loadMember('u64', r0, r0, 'hrtimer', 'base'),
  loadMember('u64', r0, r0, 'hrtimer_clock_base', 'cpu_base'),
]

/** dst = how far one of the bases that r0 points to is ahead of the monotonic clock. */
const loadOffset = (dst: Register, index: number): Instruction[] => [
  mov(r1, r0),
  addMember(r1, 'hrtimer_cpu_base', 'clock_base'),
  ...Array.from({ length: index }, () => [structSize(r2, 'hrtimer_clock_base'), add(r1, r2)]).flat(),
  loadMember('u64', dst, r1, 'hrtimer_clock_base', 'offset'),
]

/** Days from the first of March of the year 0, on which a cycle of 400 years begins, to 1970. */
const TO_1970 = 719_468
const CYCLE = 146_097
const CENTURY = 36_524
const FOUR_YEARS = 1461
const YEAR = 365

/**
 * r1 = the day of the month, of the day in r7 (from 1970). Years begin in March, so that the leap day is the last one, and months take turns of 153 days for five
 * (see Howard Hinnant, "chrono-compatible low-level date algorithms").
 */
const monthDay = (): Instruction[] => [
  mov(r1, r7),
  addImmediate(r1, TO_1970),
  modImmediate(r1, CYCLE),
  // the year of the cycle to r2: leap days taken out first
  mov(r2, r1),
  ...divided(r3, r1, FOUR_YEARS - 1),
  sub(r2, r3),
  ...divided(r3, r1, CENTURY),
  add(r2, r3),
  ...divided(r3, r1, CYCLE - 1),
  sub(r2, r3),
  divImmediate(r2, YEAR),
  // the day of that year to r1
  ...divided(r3, r2, 4),
  sub(r1, r3),
  ...divided(r3, r2, 100),
  add(r1, r3),
  mulImmediate(r2, YEAR),
  sub(r1, r2),
  // less the days of its months before
  mov(r2, r1),
  mulImmediate(r2, 5),
  addImmediate(r2, 2),
  divImmediate(r2, 153),
  mulImmediate(r2, 153),
  addImmediate(r2, 2),
  divImmediate(r2, 5),
  sub(r1, r2),
  addImmediate(r1, 1),
]

const divided = (dst: Register, src: Register, by: number): Instruction[] => [
  mov(dst, src),
  divImmediate(dst, by),
]
