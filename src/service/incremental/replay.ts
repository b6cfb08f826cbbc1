// The rules of a generation as its edits left them.

import { printRuleset, type Ruleset, restoreSave } from 'iptables-parser'
import { countingIn } from '../../../translator/counter.ts'
import { ServiceError } from '../error.ts'
import type { LoadedRuleset } from '../plan.ts'
import type { JournalEdit } from './journal.ts'
import { linePrefix } from './request.ts'

/** The rule set with the edits of its family. */
export function withEdits(loaded: LoadedRuleset, edits: readonly JournalEdit[]): LoadedRuleset {
  const own = edits.filter(({ family }) => family === loaded.ruleset.family)
  if (own.length === 0) return loaded
  const ruleset = edited(loaded.ruleset, own)
  return {
    ruleset,
    text: printRuleset(ruleset, { remarks: true, asRead: true }),
    slots: editedSlots(loaded, own),
  }
}

/** Each edit as a line that is merged into the rules. */
function edited(ruleset: Ruleset, edits: readonly JournalEdit[]): Ruleset {
  const tables = ruleset.tables.map(({ name }) => {
    const lines = edits.filter(({ table }) => table === name).map(lineOf)
    return lines.length === 0 ? '' : `*${name}\n${lines.join('')}COMMIT\n`
  })
  try {
    return restoreSave(ruleset, tables.join(''), { noflush: true })
  } catch (error) {
    throw new ServiceError('ERR_STATE', 'the edits of the generation do not fit its rules', undefined, error)
  }
}

function lineOf({ kind, chain, family, number, rule }: JournalEdit): string {
  const name = linePrefix(chain, family).slice('-A '.length)
  return kind === 'insert' ? `-I ${name} ${number}${rule}\n` : `-D ${name} ${number}\n`
}

function editedSlots({ ruleset, slots }: LoadedRuleset, edits: readonly JournalEdit[]): number[] {
  const chains = new Map<string, { readonly policies: number; readonly slots: number[] }>()
  let next = 0
  for (const { name, chains: inTable } of ruleset.tables)
    for (const chain of inTable) {
      const end = next + countingIn(chain)
      const policies = end - next - chain.rules.length
      chains.set(`${name} ${chain.name}`, { policies, slots: slots.slice(next, end) })
      next = end
    }
  for (const { kind, table, chain, number, slot } of edits) {
    const own = chains.get(`${table} ${chain}`)
    if (kind === 'insert') own?.slots.splice(own.policies + number - 1, 0, slot)
    else own?.slots.splice(own.policies + number - 1, 1)
  }
  return [...chains.values()].flatMap(own => own.slots)
}
