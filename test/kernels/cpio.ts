// The archive format of initial file systems, "newc": Documentation/driver-api/early-userspace/buffer-format.rst.

export type Entry =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly data: Uint8Array; readonly executable: boolean }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'device'; readonly major: number; readonly minor: number }

/** S_IFDIR and so on, with the permissions. */
const modeOf = (entry: Entry): number => {
  if (entry.kind === 'directory') return 0o040755
  if (entry.kind === 'link') return 0o120777
  if (entry.kind === 'device') return 0o020666
  return entry.executable ? 0o100755 : 0o100644
}

const dataOf = (entry: Entry): Uint8Array => {
  if (entry.kind === 'file') return entry.data
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array(0)
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')

/** Everything is aligned to four bytes. */
const padding = (length: number): Uint8Array => new Uint8Array(-length & 3)

/** Thirteen numbers of eight hexadecimal digits behind the magic, then the name with its NUL. */
const headerOf = (name: string, entry: Entry, inode: number, size: number): Uint8Array => {
  const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0]
  const fields = [inode, modeOf(entry), 0, 0, 1, 0, size, 0, 0, major, minor, Buffer.byteLength(name) + 1, 0]
  return Buffer.from(`070701${fields.map(hex).join('')}${name}\0`)
}

function* chunks(entries: Iterable<readonly [string, Entry]>): Generator<Uint8Array> {
  let inode = 0
  for (const [name, entry] of entries) {
    const data = dataOf(entry)
    const header = headerOf(name, entry, ++inode, data.length)
    yield* [header, padding(header.length), data, padding(data.length)]
  }
}

/** The directories above these paths, each before what lies in it. */
const parentsOf = (paths: Iterable<string>): string[] => {
  const parents = new Set<string>()
  for (const path of paths)
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      parents.add(path.slice(0, slash))
  return [...parents].sort()
}

/** An archive of entries by path, without a leading slash; the directories above them are added. */
export function writeArchive(entries: ReadonlyMap<string, Entry>): Uint8Array {
  const above = parentsOf(entries.keys()).filter(path => !entries.has(path))
  const all = [
    ...above.map(path => [path, { kind: 'directory' }] as const),
    ...[...entries].sort(([a], [b]) => (a < b ? -1 : 1)),
    ['TRAILER!!!', { kind: 'file', data: new Uint8Array(0), executable: false }] as const,
  ]
  return Buffer.concat([...chunks(all)])
}
