import type { CommentMatch } from 'iptables-parser'
import type { MatchTranslator } from './translate.ts'

export const comment: MatchTranslator<CommentMatch> = () => []
