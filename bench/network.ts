// Network namespaces without a name: the kernel removes them when this process ends, however it ends.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'
import type { Device } from '../src/kernel/link/device.ts'
import { interfaceIndex } from '../src/kernel/sys/interface.ts'
import { insideNamespace, openNamespace, unshareNamespace } from '../src/kernel/sys/namespace.ts'
import { close, type FileDescriptor } from '../src/kernel/sys/object.ts'
import { mac } from './frame.ts'

const SELF = '/proc/thread-self/ns/net'

/** A network namespace of ours. */
export interface Network {
  /** For others to find it by, as long as this process runs. */
  readonly path: string
  /** Runs a synchronous body in it; a process started there stays there. */
  readonly inside: <T>(body: () => T) => T
  readonly close: () => void
}

/** Makes a network namespace. Needs CAP_SYS_ADMIN. */
export function newNetwork(): Network {
  const fd: FileDescriptor = insideNamespace(SELF, 'net', () => {
    unshareNamespace('net')
    return openNamespace(SELF)
  })
  const path = `/proc/${process.pid}/fd/${fd}`
  return {
    path,
    inside: body => insideNamespace(path, 'net', body),
    close: () => close(fd),
  }
}

/** Runs a command to its end; its standard output. Throws with its standard error. */
export function run(command: string, args: readonly string[], input = '', environment = {}): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, ...environment },
  })
  // a command that ends before it has read all says why, and more than EPIPE does
  if (error && status === null) throw error
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${status}`}\n${stderr}`)
}

/** Runs `ip` once over many commands, in the current namespace. */
export const ip = (commands: readonly string[]): string =>
  run('ip', ['-batch', '-'], `${commands.join('\n')}\n`)

/** Writes settings below /proc/sys/net, in the current namespace. */
export function sysctl(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/${name}`, `${value}\n`)
}

/** A device of the current namespace. */
export function deviceNamed(name: string): Device {
  const index = interfaceIndex(name)
  if (index === undefined) throw new RangeError(`there is no device ${name}`)
  return { name, index }
}

/** What becomes of the packets that come in: delivered here, or routed on. */
export type Course = 'INPUT' | 'FORWARD'

/** A namespace with a device whose receive path is measured. */
export interface Range extends Network {
  readonly family: Family
  readonly course: Course
  readonly device: Device
}

/** Every packet is for this host, or is routed on to a device that goes nowhere. */
const routes: Readonly<Record<Course, readonly string[]>> = {
  INPUT: ['route add local 0.0.0.0/0 dev lo', 'route add local ::/0 dev lo'],
  FORWARD: ['route add 0.0.0.0/0 dev out0', 'route add ::/0 dev out0'],
}

/** No source address is refused (in a namespace where every address is its own), and both families forward. */
const settings = {
  'ipv4/conf/all/accept_local': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  'ipv4/ip_forward': '1',
  'ipv6/conf/all/accept_ra': '0',
  'ipv6/conf/default/accept_dad': '0',
} as const

/** For when multicast is off: else a forwarding device joins the group of all routers, and says so. */
const lateSettings = { 'ipv6/conf/all/forwarding': '1' } as const

/** Makes such a namespace. */
export function newRange(family: Family, course: Course): Range {
  const network = newNetwork()
  const device = network.inside(() => {
    sysctl(settings)
    ip([
      'link set lo up',
      `link add eth0 address ${mac.host} type veth peer name eth1 address ${mac.peer}`,
      'link add out0 type veth peer name out1',
    ])
    ip([
      ...['eth0', 'eth1', 'out0', 'out1'].flatMap(name => [
        `link set ${name} addrgenmode none`,
        `link set ${name} arp off multicast off up`,
      ]),
      'address add 192.0.2.1/32 dev eth0',
      'address add 2001:db8::1/128 dev eth0 nodad',
    ])
    ip(routes[course])
    sysctl(lateSettings)
    return deviceNamed('eth0')
  })
  return { ...network, family, course, device }
}
