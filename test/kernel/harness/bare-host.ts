import { insideNamespace } from '../../../src/kernel/sys/namespace.ts'
import { ip, run } from './command.ts'
import type { Host } from './host.ts'

/** A namespace that a test makes under this name and fills itself, as rules are loaded into one. Nothing is sent to it from here. */
export function bareHost(name: string): Host {
  const path = `/run/netns/${name}`
  const inside: Host['inside'] = body => insideNamespace(path, 'net', body)
  return {
    topology: { family: 4, devices: [] },
    path,
    inside,
    run: (...command) => inside(() => run(...command)),
    send: () => [],
    traffic: () => [],
    close: () => ip([`netns del ${name}`]),
  }
}
