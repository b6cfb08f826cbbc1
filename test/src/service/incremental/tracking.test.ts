import test from 'ava'
import { chainTable } from '../../../../src/service/incremental/chain-table.ts'
import type { EditState } from '../../../../src/service/incremental/state.ts'
import { conntrackAfter, withConntrack } from '../../../../src/service/incremental/tracking.ts'
import { linesOf } from './table-lines.ts'

/** Of the rules as they are after edits, and whether connections were asked for before. */
function stateOf(rules: readonly string[], conntrack: boolean): EditState {
  const index = {
    conntrack,
    families: [{ family: 4, chains: chainTable([{ table: 'filter', name: 'INPUT', count: 1 }]) }],
    lanes: [{ lane: { hook: 'nf-input', family: 4 } }, { lane: { hook: 'xdp', early: true, conntrack } }],
  }
  return { index, lines: () => linesOf(rules) } as unknown as EditState
}

const none = ['-s 192.0.2.1/32 -j DROP']
const one = [...none, '-p tcp -m conntrack --ctstate NEW -j ACCEPT']
const quoted = [...none, '-m comment --comment "no -m state here" -j ACCEPT']

for (const [what, state, asking, after] of [
  ['the first rule that asks', stateOf(one, false), { put: true, gone: false }, true],
  ['one more', stateOf(one, true), { put: true, gone: false }, true],
  ['one that goes, and one that stays', stateOf(one, true), { put: false, gone: true }, true],
  ['the last that goes', stateOf(none, true), { put: false, gone: true }, false],
  ['rules that ask for something else', stateOf(none, false), { put: false, gone: false }, false],
  ['the last that goes, and a comment', stateOf(quoted, true), { put: false, gone: true }, undefined],
] as const)
  test(`${what}: connections are ${after === undefined ? 'asked for as all rules say' : after ? 'asked for' : 'not asked for'}`, t =>
    t.is(conntrackAfter(state, asking), after))

test('what drops early is told, and nothing else', t => {
  const state = stateOf(one, false)
  t.is(withConntrack(state, false), state)
  const { conntrack, lanes } = withConntrack(state, true).index
  t.true(conntrack)
  t.deepEqual(
    lanes.map(({ lane }) => lane.early && lane.conntrack),
    [undefined, true],
  )
})
