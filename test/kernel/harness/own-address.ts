import { readFileSync } from 'node:fs'
import { ipv6Bytes } from '../../packet/address.ts'
import type { Topology } from './topology.ts'

/** Milliseconds; far beyond what the kernel takes. */
const patience = 10_000

/** The routes of /proc/net/ipv6_route that deliver here: destination, length of its prefix, six other columns, flags (RTF_LOCAL), device. */
const localRoutes = (): ReadonlySet<string> =>
  new Set(
    readFileSync('/proc/thread-self/net/ipv6_route', 'utf8')
      .split('\n')
      .flatMap(line => {
        const [destination, length, , , , , , , flags, device] = line.trim().split(/\s+/)
        return length === '80' && (Number.parseInt(flags ?? '0', 16) & 0x80000000) !== 0
          ? [`${destination} ${device}`]
          : []
      }),
  )

const hex = (address: string): string => Buffer.from(ipv6Bytes(address.replace(/\/.*/, ''))).toString('hex')

/**
 * Returns when the calling thread's namespace takes packets for all of its addresses. An IPv6 address is its own some time after it was added, from a
 * work queue, though no other host is asked (addrconf_dad_start, net/ipv6/addrconf.c); on a busy machine packets would come first.
 */
export const awaitAddresses = ({ family, devices }: Topology): void => {
  if (family === 4) return
  const wanted = devices.flatMap(({ name, addresses }) => addresses.map(address => `${hex(address)} ${name}`))
  const end = performance.now() + patience
  for (;;) {
    const present = localRoutes()
    const missing = wanted.filter(route => !present.has(route))
    if (missing.length === 0) return
    if (performance.now() > end) throw new Error(`addresses that stay tentative: ${missing.join(', ')}`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}
