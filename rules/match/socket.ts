import { defineMatch } from '../extension.ts'
import { flag } from '../option.ts'

/** A socket of this machine waits for the packet. */
export interface SocketMatch {
  readonly kind: 'socket'
  /** It must be a transparent one. */
  readonly transparent: boolean
  /** It may be bound to any address. */
  readonly noWildcard: boolean
  /** The packet gets the socket's mark. */
  readonly restoreMark: boolean
}

export const socket = defineMatch<SocketMatch>()({
  name: 'socket',
  chains: ['PREROUTING', 'INPUT'],
  options: { transparent: flag(), nowildcard: flag(), 'restore-skmark': flag() },
  build: given => ({
    kind: 'socket',
    transparent: given.transparent !== undefined,
    noWildcard: given.nowildcard !== undefined,
    restoreMark: given['restore-skmark'] !== undefined,
  }),
  print,
  list: match => ` socket${print(match)}`,
})

function print(match: SocketMatch): string {
  return (
    (match.transparent ? ' --transparent' : '') +
    (match.noWildcard ? ' --nowildcard' : '') +
    (match.restoreMark ? ' --restore-skmark' : '')
  )
}
