// The devices of this network namespace, and the map that tells xdp and tc programs their names.

import { readFileSync } from 'node:fs'
import { interfaceMap } from '../../translator/hook/ingress.ts'
import { fillMap, indexKey } from '../kernel/map.ts'
import { interfaceIndex } from '../kernel/sys/interface.ts'
import type { SharedMaps } from './maps.ts'

/** The names of all devices of the namespace this thread is in, which is not always the one that /sys shows. */
export const allDevices = (): string[] =>
  readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .flatMap(line => /^\s*([^:\s]+):/.exec(line)?.[1] ?? [])

/** Names by index, where a program of the generation looks them up. */
export function nameInterfaces({ maps }: SharedMaps): void {
  const map = maps.get(interfaceMap.name)
  if (!map) return
  const elements = allDevices().flatMap(name => {
    const index = interfaceIndex(name)
    return index === undefined ? [] : [{ key: indexKey(index), value: paddedName(name) }]
  })
  fillMap(map, elements)
}

function paddedName(name: string): Uint8Array {
  const value = new Uint8Array(interfaceMap.valueSize)
  value.set(new TextEncoder().encode(name))
  return value
}
