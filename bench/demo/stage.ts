// Where the demo plays: two network namespaces without names, and mounts that only this process sees. The kernel takes it
// all down when the process ends, however it ends.
//
//     peer namespace                 server namespace
//       eth1 -------- veth --------- eth0   192.0.2.16, 2001:db8::10; everything else lies behind it
//
//     /sys/fs/bpf   a tmpfs of our own, with   bpf    a bpffs, for the pins
//                                              state  what survives a reboot
//                                              run    the lock

import { mkdirSync } from 'node:fs'
import { mountBpffs } from '../../src/kernel/sys/mount.ts'
import { unshareNamespace } from '../../src/kernel/sys/namespace.ts'
import { packetSocket, send } from '../../src/kernel/sys/socket.ts'
import { mac } from '../frame.ts'
import { deviceNamed, ip, type Network, newNetwork, run, sysctl } from '../network.ts'

export interface Stage {
  readonly server: Network
  /** For the commands that are run there. */
  readonly environment: Readonly<Record<string, string>>
  /** Sends a frame from the peer. */
  readonly send: (frame: Uint8Array) => void
}

const MOUNT_POINT = '/sys/fs/bpf'

/** Sets the stage. Needs root. */
export function openStage(): Stage {
  const environment = makeDirectories()
  const [server, peer] = [newNetwork(), newNetwork()]
  peer.inside(() => sysctl({ 'ipv6/conf/default/disable_ipv6': '1' }))
  server.inside(() => setUp(peer))
  const socket = peer.inside(() => {
    ip(['link set eth1 arp off multicast off up'])
    return packetSocket(deviceNamed('eth1').index, RECEIVES_NOTHING)
  })
  return { server, environment, send: frame => send(socket, frame) }
}

/** The ethertype of a socket that only sends. */
const RECEIVES_NOTHING = 0

function setUp(peer: Network): void {
  sysctl({
    'ipv4/conf/default/rp_filter': '0',
    'ipv4/conf/all/rp_filter': '0',
    'ipv6/conf/default/accept_ra': '0',
    'ipv6/conf/default/accept_dad': '0',
  })
  ip([
    'link set lo up',
    `link add eth0 address ${mac.host} type veth peer name eth1 address ${mac.peer} netns ${peer.path}`,
    'link set eth0 addrgenmode none',
    'link set eth0 arp off multicast off up',
    'address add 192.0.2.16/24 dev eth0',
    'address add 2001:db8::10/64 dev eth0 nodad',
    'route add 0.0.0.0/0 dev eth0',
    'route add ::/0 dev eth0',
  ])
}

function makeDirectories(): Readonly<Record<string, string>> {
  unshareNamespace('mnt')
  run('mount', ['--make-rprivate', '/'])
  run('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'bpftables-demo', MOUNT_POINT])
  const [bpf, state, locks] = ['bpf', 'state', 'run'].map(name => `${MOUNT_POINT}/${name}`)
  for (const directory of [bpf, state, locks]) mkdirSync(directory ?? '')
  mountBpffs(bpf ?? '')
  return {
    BPFTABLES_BPFFS: `${bpf}/bpftables`,
    BPFTABLES_STATE_DIR: state ?? '',
    BPFTABLES_RUN_DIR: locks ?? '',
    XTABLES_LOCKFILE: `${locks}/xtables.lock`,
  }
}
