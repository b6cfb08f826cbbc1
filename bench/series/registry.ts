import type { Series } from '../workload.ts'
import { blacklist } from './blacklist.ts'
import { chains } from './chains.ts'
import { classbench } from './classbench.ts'
import { fiveTuple } from './five-tuple.ts'

/** All series by name. */
export const series: Readonly<Record<string, Series>> = {
  'five-tuple': fiveTuple,
  blacklist,
  acl: classbench('acl'),
  fw: classbench('fw'),
  ipc: classbench('ipc'),
  chains,
}

export const seriesNames = Object.keys(series)
