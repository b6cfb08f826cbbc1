import { SystemError } from '../../../src/kernel/sys/error.ts'
import { insideNamespace } from '../../../src/kernel/sys/namespace.ts'
import { close, type FileDescriptor } from '../../../src/kernel/sys/object.ts'
import { rawSocket, sendDatagram } from '../../../src/kernel/sys/socket.ts'
import { ipv4Bytes, ipv6Bytes } from '../../packet/address.ts'
import { build } from '../../packet/build.ts'
import { run } from './command.ts'
import { createNamespaces } from './namespaces.ts'
import { changeRules } from './policy-rule.ts'
import { datagramOf, isSentFromInside, type Probe } from './probe.ts'
import { type Course, type Phase, sameCourse, schedule } from './schedule.ts'
import { courseRule, exitAddress, type Topology } from './topology.ts'
import { traffic } from './traffic.ts'
import { closeWires, drain, openWires, sendTo, type Wires } from './wire.ts'

/** A filtered namespace and its peer. A test closes it when done. */
export interface Host {
  readonly topology: Topology
  /** `/run/netns/…` of the filtered namespace. */
  readonly path: string
  /** Runs a synchronous `body` in the filtered namespace. */
  readonly inside: <T>(body: () => T) => T
  /** Runs a command in the filtered namespace; its standard output. */
  readonly run: typeof run
  /** Sends the probes and returns when all have been through: those the kernel refused to send, with the errno. */
  readonly send: (probes: readonly Probe[]) => readonly string[]
  /** What the kernel says it delivered, forwarded and sent, as lines. */
  readonly traffic: () => readonly string[]
  readonly close: () => void
}

/** Why the kernel did not take a datagram: EPERM where a filter dropped it. */
const refusalOf = (sendIt: () => boolean): string | undefined => {
  try {
    return sendIt() ? undefined : 'EPERM'
  } catch (error) {
    if (error instanceof SystemError) return error.errnoName
    throw error
  }
}

const sendFromInside = (
  topology: Topology,
  raw: FileDescriptor,
  { packet, path }: Probe,
): string | undefined => {
  const datagram = datagramOf(packet)
  if (datagram === undefined) return 'not IP'
  const exit = exitAddress(topology, path.device)
  const destination = topology.family === 4 ? ipv4Bytes(exit) : ipv6Bytes(exit)
  return refusalOf(() => sendDatagram(raw, build(datagram), destination))
}

/** Sends one probe; the reason where the kernel refused it. */
const sendProbe = (
  topology: Topology,
  wires: Wires,
  raw: FileDescriptor,
  probe: Probe,
): string | undefined => {
  if (isSentFromInside(probe.path)) return sendFromInside(topology, raw, probe)
  sendTo(wires, probe.path.device, build(probe.packet))
  return undefined
}

/** A function that sets the courses of devices, and does nothing where they are set already. */
const courseSetter = (topology: Topology) => {
  const current = new Map<string, Course>(topology.devices.map(({ name }) => [name, { kind: 'local' }]))
  return (courses: Phase['courses']): void => {
    const rules = [...courses].flatMap(([device, course]) => {
      const before = current.get(device)
      if (before === undefined || sameCourse(before, course)) return []
      current.set(device, course)
      return [{ before: courseRule(topology, device, before), after: courseRule(topology, device, course) }]
    })
    if (rules.length === 0) return
    changeRules(
      topology.family,
      rules.map(({ before }) => before),
      rules.map(({ after }) => after),
    )
  }
}

/**
 * A sentinel says that the packets before it have been through, but what the host answers to them may still wait behind it, for itself too;
 * so may what it answers to that. Nothing here is answered more often.
 */
const ROUNDS = 3

/** A new host with its peer and the devices between them, the routes set and nothing filtered. Needs root. */
export const openHost = (topology: Topology): Host => {
  const namespaces = createNamespaces(topology)
  const wires = openWires(topology, namespaces)
  const inside: Host['inside'] = body => insideNamespace(namespaces.host, 'net', body)
  const raw = inside(() => rawSocket(topology.family))
  const setCourses = courseSetter(topology)

  const sendPhase = ({ courses, probes }: Phase): readonly string[] => {
    inside(() => setCourses(courses))
    const refused = probes.flatMap(probe => {
      const reason = sendProbe(topology, wires, raw, probe)
      return reason === undefined ? [] : [`${probe.name}: ${reason}`]
    })
    for (let round = 0; round < ROUNDS; round++) drain(wires)
    return refused
  }

  return {
    topology,
    path: namespaces.host,
    inside,
    run: (...command) => inside(() => run(...command)),
    send: probes => schedule(probes).flatMap(sendPhase),
    traffic: () => inside(() => traffic(topology.family)),
    close: () => {
      closeWires(wires)
      close(raw)
      namespaces.remove()
    },
  }
}
