import { close, type FileDescriptor } from '../kernel/sys/object.ts'

/** Remembers a file descriptor, or an object that has one, so that it is closed in the end. */
export type Keep = <T extends FileDescriptor | { readonly fd: FileDescriptor }>(opened: T) => T

/** Runs `body` and then closes all that it opened. What is pinned or attached by then lives on. */
export function withDescriptors<T>(body: (keep: Keep) => T): T {
  const { keep, closeAll } = descriptors()
  try {
    return body(keep)
  } finally {
    closeAll()
  }
}

/** The same for what takes its time; all that it began has ended when it does. */
export async function withDescriptorsLater<T>(body: (keep: Keep) => Promise<T>): Promise<T> {
  const { keep, closeAll } = descriptors()
  try {
    return await body(keep)
  } finally {
    closeAll()
  }
}

function descriptors(): { readonly keep: Keep; readonly closeAll: () => void } {
  const opened: FileDescriptor[] = []
  return {
    keep: object => {
      opened.push(typeof object === 'number' ? object : object.fd)
      return object
    },
    closeAll: () => opened.forEach(close),
  }
}
