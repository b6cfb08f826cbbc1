// The devices of this network namespace, and the map that says whose packets are judged at xdp or tc.

import { readFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'
import { contentsOf } from '../../translator/contents.ts'
import { asideMap, asideOffset } from '../../translator/hook/aside.ts'
import { interfaceMap, judging } from '../../translator/hook/device.ts'
import { fillMap, indexKey, keys, lookup, type MapHandle, remove, update } from '../kernel/map.ts'
import { interfaceIndex } from '../kernel/sys/interface.ts'
import type { SharedMaps } from './maps.ts'

/** What comes in by the loopback device was sent from here and has its route already: xdp and tc have nothing to say about it. */
const LOOPBACK = 'lo'

/** The names of all devices that packets come in by, of the namespace this thread is in, which is not always the one that /sys shows. */
export const allDevices = (): string[] =>
  readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .flatMap(line => /^\s*([^:\s]+):/.exec(line)?.[1] ?? [])
    .filter(name => name !== LOOPBACK)

/** Longer than a packet takes from one hook to the next. */
const SETTLE_MILLISECONDS = 100

export const settle = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MILLISECONDS)
}

/**
 * Has packets of devices, which are attached to by now, judged at ingress alone. For a moment both hooks judge those of a device that is new to it: what
 * ingress passed on unjudged just before must still be met by nf-input.
 */
export function handOver(shared: SharedMaps, devices: readonly string[]): void {
  const map = shared.maps.get(interfaceMap.name)
  if (!map) return
  comeBack(shared, map)
  const pending = devices
    .filter(name => name !== LOOPBACK)
    .flatMap(name => interfaceIndex(name) ?? [])
    .filter(index => who(map, index) !== judging.ingress)
  if (pending.length === 0) return
  list(map, pending, judging.both)
  settle()
  list(map, pending, judging.ingress)
}

/** Has ingress judge again where it stood aside. The devices' packets are judged by both until, in `handOver`, those it left have arrived. */
function comeBack({ maps }: SharedMaps, interfaces: MapHandle): void {
  const map = maps.get(asideMap.name)
  if (!map || setAside(map).length === 0) return
  list(
    interfaces,
    [...keys(interfaces)].flatMap(key => new Uint32Array(key.slice().buffer)[0] ?? []),
    judging.both,
  )
  update(map, indexKey(0), new Uint8Array(asideMap.valueSize))
}

/** The families of which ingress leaves all packets to nf-input, because other hooks lie between. */
export function setAside(map: MapHandle): Family[] {
  const value = lookup(map, indexKey(0))
  if (!value) return []
  const words = new DataView(value.buffer, value.byteOffset)
  return families.filter(family => words.getUint32(asideOffset[family], true) !== 0)
}

const families: readonly Family[] = [4, 6]

function who(map: MapHandle, index: number): number | undefined {
  const value = lookup(map, indexKey(index))
  return value && new Uint32Array(value.slice().buffer)[0]
}

const list = (map: MapHandle, indexes: readonly number[], value: number): void =>
  fillMap(map, contentsOf(indexes.map(index => ({ key: indexKey(index), value: indexKey(value) }))))

/** Packets of devices that are listed and not among these are judged at nf-input from now on. */
export function takeBack({ maps }: SharedMaps, devices: readonly string[]): void {
  const map = maps.get(interfaceMap.name)
  if (!map) return
  const kept = new Set(devices.map(interfaceIndex))
  for (const key of [...keys(map)]) if (!kept.has(new Uint32Array(key.slice().buffer)[0])) remove(map, key)
}
