import type { Eui64Match } from 'iptables-parser'
import { setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/** A packet without an Ethernet header does not match (net/ipv6/netfilter/ip6t_eui64.c). */
export const eui64: MatchTranslator<Eui64Match> = () => [setTest('eui64', single(0n))]
