import type { Host } from './host.ts'
import type { Sketch } from './sketch.ts'

/**
 * What gives packets their marks: rules of the kernel's own mangle table, which run before the filter table whoever filters. Marks come
 * from the type of service, so that a packet's own bytes say which it gets. What is sent from inside has none.
 */
const marks = [
  { tos: 0x04, mark: 0x1 },
  { tos: 0x08, mark: 0x10 },
  { tos: 0x10, mark: 0x8000_0000 },
] as const

/** As the marks, for the connection; a packet's first change lasts. */
const connectionMarks = [
  { tos: 0x20, mark: 0x2 },
  { tos: 0x40, mark: 0x100 },
] as const

/** A bit of the type of service and what it adds to the mark. */
const line = (target: string, { tos, mark }: { readonly tos: number; readonly mark: number }): string =>
  `-A PREROUTING -m tos --tos ${tos}/${tos} -j ${target} --set-xmark ${mark}/${mark}`

const table = (): string =>
  [
    '*mangle',
    ...marks.map(one => line('MARK', one)),
    ...connectionMarks.map(one => line('CONNMARK', one)),
    'COMMIT',
    '',
  ].join('\n')

/** Marks packets in a host from now on, if the rules it is to be filtered by ask for marks. */
export const markPackets = (
  host: Host,
  rules: string,
  environment: Readonly<Record<string, string>>,
): void => {
  if (!/ -m (conn)?mark /.test(rules)) return
  const command = host.topology.family === 4 ? 'iptables-legacy-restore' : 'ip6tables-legacy-restore'
  host.run(command, [], table(), environment)
}

/** The mark a packet has when it comes to the filter table. */
export const markAt = ({ hook, inDevice, tos }: Sketch): number =>
  hook === 'OUTPUT' && inDevice === ''
    ? 0
    : marks.reduce((sum, one) => ((tos & one.tos) === 0 ? sum : sum + one.mark), 0)

/** Every type of service that gives a mark of its own. */
export const markingTos: readonly number[] = [0, ...marks, ...connectionMarks].map(one =>
  typeof one === 'number' ? one : one.tos,
)
