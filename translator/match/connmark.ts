import type { ConnmarkMatch } from 'iptables-parser'
import { setTest } from '../test.ts'
import { maskStep } from './mask.ts'
import { tracked } from './state.ts'
import type { MatchTranslator } from './translate.ts'

/** Without a connection it never matches, negated or not. */
export const connmark: MatchTranslator<ConnmarkMatch> = ({ mark }) => [
  setTest('ctstate', tracked),
  ...maskStep('ctmark', mark),
]
