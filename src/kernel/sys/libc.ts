// The one import of the FFI, and every libc function we call. The declarations below are the C prototypes with
// pointers to buffers as `void *`: koffi passes the address of the buffer's bytes.

import koffi from 'koffi'
import { type FailedCall, SystemError } from './error.ts'

type Buffer = NodeJS.ArrayBufferView | null

const library = koffi.load(null)

const declare = <F extends (...args: never[]) => unknown>(prototype: string): F =>
  library.func(prototype) as unknown as F

const strerror = declare<(errno: number) => string>('const char *strerror(int errno)')

const close = library.func('int close(int fd)')

/** Koffi has room for some 60 asynchronous calls, which end as the event loop turns; what is beyond is done at once. */
const closeLater = (fd: number): void => {
  try {
    close.async(fd, () => undefined)
  } catch {
    close(fd)
  }
}

const syscall = library.func('long syscall(long number, int command, void *attribute, unsigned int size)')

type Syscall<Result> = (number: number, command: number, attribute: Buffer, size: number) => Result

export const libc = {
  /** syscall(2) as bpf(2) needs it. */
  syscall: syscall as unknown as Syscall<number>,
  /** The same in a thread of its own; undefined where it could not be called. */
  syscallLater: ((...words) =>
    new Promise(resolve => {
      syscall.async(...words, (error: unknown, result: number) => resolve(error ? undefined : result))
    })) as Syscall<Promise<number | undefined>>,
  bind: declare<(socket: number, address: Buffer, length: number) => number>(
    'int bind(int socket, void *address, unsigned int length)',
  ),
  clock_getres: declare<(clock: number, resolution: Buffer) => number>(
    'int clock_getres(int clock, void *resolution)',
  ),
  close: declare<(fd: number) => number>('int close(int fd)'),
  closeLater,
  flock: declare<(fd: number, operation: number) => number>('int flock(int fd, int operation)'),
  if_indextoname: declare<(ifindex: number, name: Buffer) => unknown>(
    'void *if_indextoname(unsigned int ifindex, void *name)',
  ),
  if_nametoindex: declare<(name: string) => number>('unsigned int if_nametoindex(const char *name)'),
  mount: declare<(source: string, target: string, type: string | null, flags: number, data: null) => number>(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, void *data)',
  ),
  /** Without O_CREAT open(2) takes no third argument. */
  open: declare<(path: string, flags: number) => number>('int open(const char *path, int flags)'),
  poll: declare<(fds: Buffer, count: number, timeout: number) => number>(
    'int poll(void *fds, unsigned long count, int timeout)',
  ),
  recv: declare<(socket: number, buffer: Buffer, length: number, flags: number) => number>(
    'long recv(int socket, void *buffer, size_t length, int flags)',
  ),
  sendto: declare<
    (socket: number, data: Buffer, size: number, flags: number, address: Buffer, length: number) => number
  >('long sendto(int socket, void *data, size_t size, int flags, void *address, unsigned int length)'),
  setns: declare<(fd: number, type: number) => number>('int setns(int fd, int type)'),
  setrlimit: declare<(resource: number, limit: Buffer) => number>('int setrlimit(int resource, void *limit)'),
  setsockopt: declare<(socket: number, level: number, option: number, value: Buffer, size: number) => number>(
    'int setsockopt(int socket, int level, int option, void *value, unsigned int size)',
  ),
  socket: declare<(domain: number, type: number, protocol: number) => number>(
    'int socket(int domain, int type, int protocol)',
  ),
  statfs: declare<(path: string, buffer: Buffer) => number>('int statfs(const char *path, void *buffer)'),
  umount2: declare<(target: string, flags: number) => number>('int umount2(const char *target, int flags)'),
  unshare: declare<(flags: number) => number>('int unshare(int flags)'),
} as const

/** The address of a buffer's first byte; good only while the buffer is alive. */
export const addressOf = (buffer: NodeJS.ArrayBufferView): bigint => koffi.address(buffer)

/** The errno the last call left. */
export const lastErrno = (): number => koffi.errno()

/** The error for a call that failed with `number`. */
export const systemError = (
  failed: Omit<FailedCall, 'errno' | 'reason'>,
  number = lastErrno(),
): SystemError => new SystemError({ ...failed, errno: number, reason: strerror(number) })

/** Passes a call's result on, unless it is -1: then throws a SystemError. */
export const check = (result: number, syscall: string, purpose: string): number => {
  if (result < 0) throw systemError({ syscall, purpose })
  return result
}
