// Stretches of rules that trees in maps hold, as edits go by. The trees stay as they were made; which rules have been put in or taken out since is kept beside them.

import type { EditedText, IndexedStretch } from './index-file.ts'
import type { JournalEdit } from './journal.ts'

type Edit = Pick<JournalEdit, 'kind' | 'number' | 'rule'>

/** Whether an edit puts a rule between those of a stretch, or takes out one of them. */
export const isInside = (
  { first, last }: Pick<IndexedStretch, 'first' | 'last'>,
  { kind, number }: Edit,
): boolean => number <= last && (kind === 'insert' ? number > first : number >= first)

/** A stretch after an edit of its chain. */
export function edited(stretch: IndexedStretch, edit: Edit): IndexedStretch {
  const { first, last } = stretch
  const by = edit.kind === 'insert' ? 1 : -1
  if (isInside(stretch, edit)) return { ...stretch, last: last + by, edited: withEdit(stretch.edited, edit) }
  return edit.number > last ? stretch : { ...stretch, first: first + by, last: last + by }
}

/** A rule that was put in and is taken out again makes no difference any more; one that was taken out may be back in another place. */
export function withEdit(edited: readonly EditedText[], { kind, rule }: Edit): readonly EditedText[] {
  const known = edited.find(one => one.rule === rule)
  if (known?.kind === 'insert' && kind === 'delete') return edited.filter(one => one !== known)
  return known ? edited : [...edited, { rule, kind }]
}
