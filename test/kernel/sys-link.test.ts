import { join } from 'node:path'
import { attachNetfilter } from '../../src/kernel/link/netfilter.ts'
import { attachTcx } from '../../src/kernel/link/tcx.ts'
import { attachXdp } from '../../src/kernel/link/xdp.ts'
import { allLinks, detachLink, linkInfo, updateLink } from '../../src/kernel/link.ts'
import { createMap, indexKey, update } from '../../src/kernel/map.ts'
import { openPin, pin, unpin } from '../../src/kernel/pin.ts'
import { loadProgram, type ProgramHandle } from '../../src/kernel/program.ts'
import { failedWith } from '../../src/kernel/sys/error.ts'
import { close, programInfoOf } from '../../src/kernel/sys/object.ts'
import { r0, r2, r3 } from '../../translator/asm/register.ts'
import type { Hook, MapSpec } from '../../translator/program.ts'
import * as asm from './assemble.ts'
import { answeredEchoes, answeredEchoesDuring, farToNear } from './echo.ts'
import { kernelTest } from './needs-kernel.ts'
import { device, inNamespace, withScratch } from './scratch.ts'

const XDP_DROP = 1
const XDP_PASS = 2
const TC_ACT_SHOT = 2
const NF_DROP = 0
const NF_ACCEPT = 1

const always = (hook: Hook, verdict: number): ProgramHandle =>
  loadProgram(asm.always(hook, verdict), new Map())

const idOf = (program: ProgramHandle): number => programInfoOf(program.fd).id

kernelTest('an XDP link drops, is swapped, pinned, read back and detached', t =>
  withScratch(({ near, far, bpffs }) => {
    const [drop, pass] = [always('xdp', XDP_DROP), always('xdp', XDP_PASS)]
    const [link, inside] = inNamespace(
      near,
      () => [attachXdp(drop, device('inside')), device('inside')] as const,
    )
    t.is(link.mode, 'native')
    t.is(answeredEchoes(farToNear(far), 2), 0)
    t.like(linkInfo(link.fd), { kind: 'xdp', ifindex: inside.index, programId: idOf(drop) })
    updateLink(link.fd, pass.fd, drop.fd)
    t.is(answeredEchoes(farToNear(far), 2), 2)
    t.true(
      failedWith(
        t.throws(() => updateLink(link.fd, pass.fd, drop.fd)),
        'EPERM',
      ),
    )

    pin(link.fd, join(bpffs, 'link'))
    close(link.fd)
    const pinned = openPin(join(bpffs, 'link')) ?? -1
    t.is(linkInfo(pinned).programId, idOf(pass))
    detachLink(pinned)
    t.like(linkInfo(pinned), { kind: 'xdp', ifindex: 0 })
    for (const fd of [pinned, drop.fd, pass.fd]) close(fd)
  }),
)

kernelTest('a second XDP program on a device is refused in words', t =>
  withScratch(({ near }) => {
    const program = always('xdp', XDP_PASS)
    inNamespace(near, () => {
      const link = attachXdp(program, device('inside'))
      const error = t.throws(() => attachXdp(program, device('inside')), { code: 'ERR_ATTACH' })
      t.is(error?.message, 'inside already has an XDP program')
      close(link.fd)
    })
    close(program.fd)
  }),
)

kernelTest('a driver without XDP gets it from the stack, and the reason is kept', t =>
  withScratch(({ near }) => {
    const program = always('xdp', XDP_DROP)
    const link = inNamespace(near, () => attachXdp(program, device('lo')))
    t.is(link.mode, 'generic')
    t.regex(link.reason ?? '', /EOPNOTSUPP/)
    t.is(linkInfo(link.fd).programId, idOf(program))
    close(link.fd)
    close(program.fd)
  }),
)

kernelTest('a TCX link of either direction drops and is read back', t =>
  withScratch(({ near, far }) => {
    for (const direction of ['ingress', 'egress'] as const) {
      const program = always(`tc-${direction}`, TC_ACT_SHOT)
      const fd = inNamespace(near, () => attachTcx(program, device('inside'), direction))
      t.like(linkInfo(fd), { kind: 'tcx', direction, programId: idOf(program) })
      t.is(answeredEchoes(farToNear(far), 1), 0)
      close(fd)
      close(program.fd)
    }
    t.is(answeredEchoes(farToNear(far), 1), 1)
  }),
)

kernelTest('netfilter links take the first free priority', t =>
  withScratch(({ near, far }) => {
    const [accept, drop] = [always('nf-input', NF_ACCEPT), always('nf-input', NF_DROP)]
    const [one, two] = inNamespace(near, () => [
      attachNetfilter(accept, 4, 'nf-input'),
      attachNetfilter(drop, 4, 'nf-input'),
    ])
    t.deepEqual([one?.priority, two?.priority], [1, 2])
    t.like(linkInfo(two?.fd ?? -1), {
      kind: 'netfilter',
      pf: 2,
      hooknum: 1,
      priority: 2,
      programId: idOf(drop),
    })
    t.is(answeredEchoes(farToNear(far), 1), 0)
    t.true(
      failedWith(
        t.throws(() => updateLink(two?.fd ?? -1, accept.fd, drop.fd)),
        'EOPNOTSUPP',
      ),
    )
    t.is(allLinks().filter(link => link.programId === idOf(drop)).length, 1)
    detachLink(two?.fd ?? -1)
    t.is(answeredEchoes(farToNear(far), 1), 1)
    for (const fd of [one?.fd, two?.fd, accept.fd, drop.fd]) close(fd ?? -1)
  }),
)

kernelTest('nine netfilter programs fill a hook, the tenth is refused in words', t =>
  withScratch(({ near }) => {
    const program = always('nf-output', NF_ACCEPT)
    inNamespace(near, () => {
      const links = Array.from({ length: 9 }, () => attachNetfilter(program, 6, 'nf-output'))
      t.deepEqual(
        links.map(link => link.priority),
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      )
      t.throws(() => attachNetfilter(program, 6, 'nf-output'), {
        code: 'ERR_ATTACH',
        message: /IPv6 nf-output are all taken/,
      })
      for (const link of links) close(link.fd)
    })
    close(program.fd)
  }),
)

const slots: MapSpec = {
  name: 'slots',
  type: 'PROG_ARRAY',
  keySize: 4,
  valueSize: 4,
  maxEntries: 2,
  flags: 0,
  shared: false,
}

const BPF_FUNC_tail_call = 12

/** Tail-calls slot 0; where that is empty, drops. */
const dispatcher = asm.program(
  'nf-input',
  [
    asm.main([
      asm.loadMap(r2, 'slots'),
      asm.move(r3, 0),
      asm.callHelper(BPF_FUNC_tail_call),
      asm.move(r0, NF_DROP),
      asm.exit,
    ]),
  ],
  [slots],
)

kernelTest('the slot of a netfilter dispatcher is swapped under traffic', t =>
  withScratch(async ({ near, far, bpffs }) => {
    const map = createMap(slots)
    const programs = [always('nf-input', NF_ACCEPT), always('nf-input', NF_ACCEPT)]
    const entry = loadProgram(dispatcher, new Map([['slots', map]]))
    const link = inNamespace(near, () => attachNetfilter(entry, 4, 'nf-input'))
    t.is(answeredEchoes(farToNear(far), 1), 0, 'an empty slot drops')

    const fill = (fd: number): void => update(map, indexKey(0), indexKey(fd))
    fill(programs[0]?.fd ?? -1)
    let swaps = 0
    const received = await answeredEchoesDuring(farToNear(far), 2000, () => {
      for (const program of programs) fill(program.fd)
      swaps += programs.length
    })
    t.true(swaps > 0)
    t.is(received, 2000, 'no packet met an empty slot')

    pin(map.fd, join(bpffs, 'slots'))
    for (const fd of [map.fd, entry.fd, ...programs.map(program => program.fd)]) close(fd)
    t.is(answeredEchoes(farToNear(far), 1), 1, 'the pinned array keeps its programs')
    unpin(join(bpffs, 'slots'))
    close(link.fd)
  }),
)
