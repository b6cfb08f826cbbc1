import type { BpfMatch } from 'iptables-parser'
import { answerTest } from './answer.ts'
import { cbpfObstacle } from './cbpf-obstacle.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

export const bpf: MatchTranslator<BpfMatch> = match => {
  if ('path' in match)
    throw new Untranslatable('--object-pinned names a program outside of the rule set', {
      hint: 'give the program as --bytecode',
    })
  const obstacle = cbpfObstacle(match.program)
  if (obstacle) throw new Untranslatable(obstacle)
  return [answerTest({ kind: 'bpf', program: match.program })]
}
