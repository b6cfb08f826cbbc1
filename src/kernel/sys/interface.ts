import { errno } from './error.ts'
import { lastErrno, libc, systemError } from './libc.ts'

/** IF_NAMESIZE, with the NUL. */
const nameSize = 16

/** The index of a device of the current network namespace; undefined where there is none of that name. */
export const interfaceIndex = (name: string): number | undefined => {
  const index = libc.if_nametoindex(name)
  if (index > 0) return index
  const number = lastErrno()
  if (number === errno.ENODEV || number === errno.ENXIO) return undefined
  throw systemError({ syscall: 'if_nametoindex', purpose: `find device ${name}` }, number)
}

/** The name of a device of the current network namespace; undefined where there is none of that index. */
export const interfaceName = (index: number): string | undefined => {
  const name = new Uint8Array(nameSize)
  if (libc.if_indextoname(index, name) === null) return undefined
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)))
}
