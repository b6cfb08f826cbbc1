import type { RealmMatch } from 'iptables-parser'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

export const realm: MatchTranslator<RealmMatch> = match => maskStep('realm', match.realm)
