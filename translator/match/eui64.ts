import type { Eui64Match } from 'iptables-parser'
import { setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/**
 * What the kernel adds is left out: on a device without link-layer headers it drops later fragments, but only if a rule before has
 * named a protocol (net/ipv6/netfilter/ip6t_eui64.c).
 */
export const eui64: MatchTranslator<Eui64Match> = () => [setTest('eui64', single(0n))]
