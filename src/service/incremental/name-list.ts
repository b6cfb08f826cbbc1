// Names of chains as one text: thousands of them are read and written with an index, and few are asked for.

/** A newline in front and behind each name, which has none. */
export type NameList = string

export const nameList = (names: readonly string[]): NameList => ['', ...names, ''].join('\n')

/** The list with those names that it does not have. */
export const withNames = (list: NameList, names: readonly string[]): NameList =>
  list + names.flatMap(name => (hasName(list, name) ? [] : `${name}\n`)).join('')

export const hasName = (list: NameList, name: string): boolean =>
  !name.includes('\n') && list.includes(`\n${name}\n`)
