import type { RtMatch } from 'iptables-parser'
import { setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { headerWanted } from './extension.ts'
import { rangeStep, valueStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

export const rt: MatchTranslator<RtMatch> = ({ type, segmentsLeft, length, reserved, addresses }) => {
  if (addresses) throw new Untranslatable('the addresses in a routing header are not translated')
  return [
    ...headerWanted('routing'),
    ...rangeStep('segments-left', segmentsLeft),
    ...valueStep('routing-length', length),
    ...valueStep('routing-type', type),
    ...(reserved ? [setTest('routing-reserved', single(0))] : []),
  ]
}
