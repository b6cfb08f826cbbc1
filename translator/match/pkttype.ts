import type { PkttypeMatch } from 'iptables-parser'
import { packetType } from '../field.ts'
import { setTerm } from '../test.ts'
import { single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

export const pkttype: MatchTranslator<PkttypeMatch> = ({ type }) => [
  setTerm('packet-type', 4, single(packetType[type.value]), type.negated),
]
