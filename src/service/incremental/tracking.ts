// Whether rules ask for connections after edits of which some do, without reading all rules.

import type { Rule } from 'iptables-parser'
import { needsConntrack, TRACKING } from '../../../translator/conntrack.ts'
import type { Lane } from '../../../translator/lane.ts'
import { allChains } from './chain-table.ts'
import type { ChainPlace, EditState } from './state.ts'

export const asksForConntrack = ({ family, table }: ChainPlace, rule: Rule): boolean =>
  needsConntrack([{ family, tables: [{ name: table, chains: [{ name: '', rules: [rule] }] }] }])

/** Of rules that were put in and that went, whether one asks for connections. */
interface Asking {
  readonly put: boolean
  readonly gone: boolean
}

/** Undefined where that is not certain. */
export const conntrackAfter = (state: EditState, { put, gone }: Asking): boolean | undefined =>
  gone ? isAskedFor(state) : state.index.conntrack || put

/** The state where rules ask for connections, or do not: what drops early judges otherwise then. */
export function withConntrack(state: EditState, conntrack: boolean): EditState {
  const { index } = state
  if (index.conntrack === conntrack) return state
  const lanes = index.lanes.map(one => ({ ...one, lane: laneWith(one.lane, conntrack) }))
  return { ...state, index: { ...index, conntrack, lanes } }
}

export const laneWith = (lane: Lane, conntrack: boolean): Lane => (lane.early ? { ...lane, conntrack } : lane)

/** Undefined where nothing but what is quoted, such as a comment, may say so. */
function isAskedFor({ index, lines }: EditState): boolean | undefined {
  let isQuoted = false
  for (const { family, chains } of index.families)
    for (const { table, name } of allChains(chains))
      for (const match of TRACKING)
        for (const line of lines({ family, table, chain: name })?.holding(`-m ${match} `) ?? []) {
          if (!line.includes('"')) return true
          isQuoted = true
        }
  return isQuoted ? undefined : false
}
