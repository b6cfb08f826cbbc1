import type { BpfMatch } from 'iptables-parser'
import { answers, questionField } from '../question.ts'
import { setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { cbpfObstacle } from './cbpf-obstacle.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

export const bpf: MatchTranslator<BpfMatch> = match => {
  if ('path' in match)
    throw new Untranslatable('--object-pinned names a program outside of the rule set', {
      hint: 'give the program as --bytecode',
    })
  const obstacle = cbpfObstacle(match.program)
  if (obstacle) throw new Untranslatable(obstacle)
  return [setTest(questionField({ kind: 'bpf', program: match.program }), single(answers.yes))]
}
