import { close, type FileDescriptor } from '../kernel/sys/object.ts'

/** Remembers a file descriptor, or an object that has one, so that it is closed in the end. */
export type Keep = <T extends FileDescriptor | { readonly fd: FileDescriptor }>(opened: T) => T

/** Runs `body` and then closes all that it opened. What is pinned or attached by then lives on. */
export function withDescriptors<T>(body: (keep: Keep) => T): T {
  const opened: FileDescriptor[] = []
  try {
    return body(object => {
      opened.push(typeof object === 'number' ? object : object.fd)
      return object
    })
  } finally {
    for (const fd of opened) close(fd)
  }
}
