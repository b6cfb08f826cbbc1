import { addImmediate, andImmediate32, mod, movImmediate, movImmediate32 } from '../asm/alu.ts'
import { call, callFunction, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { atomicFetchAdd, loadCgroup, loadMapValue } from '../asm/memory.ts'
import { r0, r1, r2, r3 } from '../asm/register.ts'
import { domain } from '../field.ts'
import { NTH_MAP } from '../nth.ts'
import type { AnyTest, CgroupTest, ChanceTest, GroupTest, LeafTest, NthTest, SetTest } from '../test.ts'
import { loadFromRow } from './alike.ts'
import { CGROUP_FUNCTION } from './cgroup.ts'
import { jumpIfBelow, jumpIfNot, jumpIfNotBelow, jumpUnlessMasked, loadField } from './compare.ts'
import type { Frame } from './frame.ts'
import { GROUP_FUNCTION } from './group.ts'

/** Goes to `failed` where a packet does not satisfy a test, and on where it does. */
export function emitTest(frame: Frame, test: LeafTest, failed: Label): void {
  if (test.kind === 'mask') jumpUnlessMasked(frame, test, failed)
  else if (test.kind === 'set') emitSet(frame, test, failed)
  else if (test.kind === 'any') emitAny(frame, test, failed)
  else if (test.kind === 'group') emitGroup(frame, test, failed)
  else if (test.kind === 'cgroup') emitCgroup(frame, test, failed)
  else if (test.kind === 'chance') emitChance(frame, test, failed)
  else emitNth(frame, test, failed)
}

function emitCgroup(frame: Frame, { path, negated }: CgroupTest, failed: Label): void {
  const { assembler } = frame
  loadField(frame, 'cgroup')
  assembler.emit(
    jumpIf('==', r1, immediate(0), failed),
    loadCgroup(r2, path),
    callFunction(CGROUP_FUNCTION),
    jumpIf(negated ? '!=' : '==', r0, immediate(0), failed, 32),
  )
}

function emitGroup(frame: Frame, { low, high, negated }: GroupTest, failed: Label): void {
  const { assembler } = frame
  const others = assembler.label('further_groups')
  const held = assembler.label('in_group')
  const done = assembler.label('group')
  loadField(frame, 'gid')
  assembler.emit(jumpIf('<', r1, immediate(low), others, 32), jumpIf('<=', r1, immediate(high), held, 32))
  assembler.place(others)
  loadField(frame, 'groups')
  assembler.emit(
    jumpIf('==', r1, immediate(0), negated ? done : failed),
    movImmediate32(r2, low),
    movImmediate32(r3, high),
    callFunction(GROUP_FUNCTION),
    jumpIf(negated ? '==' : '!=', r0, immediate(0), done, 32),
    jump(failed),
  )
  assembler.place(held)
  if (negated) assembler.emit(jump(failed))
  assembler.place(done)
}

/** The kernel draws 31 bits too. */
const DRAW = 0x7fff_ffff

const emitChance = ({ assembler }: Frame, { probability, negated }: ChanceTest, failed: Label): void =>
  assembler.emit(
    call('bpf_get_prandom_u32'),
    andImmediate32(r0, DRAW),
    jumpIf(negated ? '<' : '>=', r0, immediate(probability), failed, 32),
  )

/** The packet is the last of a round of `every`; by 64 bits, so that the rounds never break off. */
const emitNth = ({ assembler, nth }: Frame, { every, negated, match }: NthTest, failed: Label): void =>
  assembler.emit(
    loadMapValue(r1, NTH_MAP, nth(match)),
    movImmediate(r2, 1),
    atomicFetchAdd(r1, 0, r2),
    movImmediate32(r3, every),
    mod(r2, r3),
    addImmediate(r3, -1),
    jumpIf(negated ? '==' : '!=', r2, register(r3), failed),
  )

function emitSet(frame: Frame, test: SetTest, failed: Label): void {
  const { assembler, family, row } = frame
  const { field, set } = test
  const column = row?.values.get(test)
  if (row && column !== undefined) {
    loadField(frame, field)
    return assembler.emit(...loadFromRow(r2, row, column), jumpIf('!=', r1, register(r2), failed, 32))
  }
  // of an alternative, such as the states of --ctstate DNAT: no state at all
  if (set.length === 0) assembler.emit(jump(failed))
  const whole = domain(field, family)
  const inside = assembler.label('inside')
  loadField(frame, field)
  // the intervals are sorted: below one of them and not in those before is outside
  for (const [index, { low, end }] of set.entries()) {
    const last = index === set.length - 1
    if (last && isSingle(low, end)) jumpIfNot(frame, field, low, failed)
    else {
      if (low > whole.low) jumpIfBelow(frame, field, low, failed)
      if (!last) jumpIfBelow(frame, field, end, inside)
      else if (end < whole.end) jumpIfNotBelow(frame, field, end, failed)
    }
  }
  assembler.place(inside)
}

const isSingle = (low: number | bigint, end: number | bigint): boolean =>
  typeof low === 'bigint' ? low + 1n === end : low + 1 === end

function emitAny(frame: Frame, { tests }: AnyTest, failed: Label): void {
  const { assembler } = frame
  const satisfied = assembler.label('any')
  for (const [index, test] of tests.entries()) {
    if (index === tests.length - 1) emitTest(frame, test, failed)
    else {
      const next = assembler.label('or')
      emitTest(frame, test, next)
      assembler.emit(jump(satisfied))
      assembler.place(next)
    }
  }
  assembler.place(satisfied)
}
