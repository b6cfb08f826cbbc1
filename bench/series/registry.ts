import type { Series } from '../workload.ts'
import { blacklist } from './blacklist.ts'
import { chains } from './chains.ts'
import { classbench } from './classbench.ts'
import { fiveTuple } from './five-tuple.ts'
import { networks } from './networks.ts'
import { zones } from './zones.ts'

/** All series by name. */
export const series: Readonly<Record<string, Series>> = {
  'five-tuple': fiveTuple(4),
  'five-tuple6': fiveTuple(6),
  blacklist: blacklist(4),
  blacklist6: blacklist(6),
  networks: networks(4),
  networks6: networks(6),
  acl: classbench('acl'),
  fw: classbench('fw'),
  ipc: classbench('ipc'),
  chains,
  zones,
}

export const seriesNames = Object.keys(series)
