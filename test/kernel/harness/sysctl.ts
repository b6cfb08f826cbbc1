import { writeFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'

type Settings = Readonly<Record<string, string>>

/** For `all` and, before the devices exist, for `default`. */
const perDevice = (family: 'ipv4' | 'ipv6', settings: Settings): Settings =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      ['all', 'default'].map(device => [`${family}/conf/${device}/${name}`, value]),
    ),
  )

const noIpv6 = perDevice('ipv6', { disable_ipv6: '1' })

/** Every source is believed, every destination routed, errors are sent without a rate limit, and none for fragments that wait too long: a slow machine reads two hosts apart. */
const forwarding4: Settings = {
  'ipv4/ip_forward': '1',
  'ipv4/icmp_ratemask': '0',
  'ipv4/ipfrag_time': '3600',
  'ipv4/igmp_link_local_mcast_reports': '0',
  ...perDevice('ipv4', {
    rp_filter: '0',
    accept_local: '1',
    route_localnet: '1',
    send_redirects: '0',
    accept_redirects: '0',
    log_martians: '0',
  }),
}

const forwarding6: Settings = {
  'ipv6/icmp/ratemask': '',
  'ipv6/ip6frag_time': '3600',
  ...perDevice('ipv6', {
    accept_ra: '0',
    accept_redirects: '0',
    router_solicitations: '0',
    accept_dad: '0',
  }),
}

/** Of the host; IPv6 is off in a test of IPv4, so that it says nothing of its own. */
export const hostSettings = (family: Family): Settings =>
  family === 4 ? { ...noIpv6, ...forwarding4 } : { ...forwarding4, ...forwarding6 }

/**
 * Of the host, once its devices have multicast off: with it on, a forwarding device joins the group of all
 * routers and says so (MLD), at a random time.
 */
export const lateHostSettings = (family: Family): Settings =>
  family === 4 ? {} : { 'ipv6/conf/all/forwarding': '1' }

/** Of the peer: it takes nothing in and sends nothing on. */
export const peerSettings: Settings = noIpv6

/** In the calling thread's network namespace. */
export const writeSettings = (settings: Settings): void => {
  for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/${name}`, `${value}\n`)
}
