import { insideNamespace } from './sys/namespace.ts'

/**
 * Runs `body` inside another network namespace and comes back, whatever happens. `path` is like
 * /run/netns/NAME or /proc/PID/ns/net. Only for synchronous work: `body` must not return a promise, since
 * what runs after an await has left the namespace again.
 */
export const insideNetworkNamespace = <T>(
  path: string,
  body: () => T extends PromiseLike<unknown> ? never : T,
): T => insideNamespace<T>(path, 'net', body)
