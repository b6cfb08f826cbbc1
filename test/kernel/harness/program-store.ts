import { possibleCpus } from '../../../src/kernel/counter.ts'
import { createMap, fillMap, indexKey, type MapHandle } from '../../../src/kernel/map.ts'
import { loadProgram, type ProgramHandle } from '../../../src/kernel/program.ts'
import { deleteElement, nextKey, updateElement } from '../../../src/kernel/sys/map.ts'
import { close } from '../../../src/kernel/sys/object.ts'
import type { MapSpec, ProgramSpec } from '../../../translator/program.ts'

/** What a load of rules has in the kernel. */
export interface LoadedPrograms {
  readonly programs: readonly ProgramHandle[]
  readonly maps: ReadonlyMap<string, MapHandle>
}

/**
 * Loads programs, each of which the verifier sees once: at several hooks most programs of a rule set are the same bytes with the same maps. Maps begin as they
 * are when made, so of the loads of one store only the last may be attached.
 */
export interface ProgramStore {
  /** Throws VerifierError or KernelError. */
  readonly load: (specs: readonly ProgramSpec[]) => LoadedPrograms
  /** Programs stay as long as they are attached. */
  readonly close: () => void
}

/** All of a spec that the kernel or its maps can tell from another. */
const textOf = (spec: ProgramSpec | MapSpec): string =>
  JSON.stringify(spec, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  })

/** The elements of an array cannot be taken out. One of a per-CPU array has a value for each CPU. */
const clearArray = ({ fd, spec }: MapHandle): void => {
  const cpus = spec.type === 'PERCPU_ARRAY' ? possibleCpus() : 1
  const zeros = new Uint8Array(cpus * ((spec.valueSize + 7) & ~7))
  for (let index = 0; index < spec.maxEntries; index++) updateElement(fd, indexKey(index), zeros)
}

const clear = (map: MapHandle): void => {
  if (map.spec.type === 'ARRAY' || map.spec.type === 'PERCPU_ARRAY') return clearArray(map)
  const key = new Uint8Array(map.spec.keySize)
  while (nextKey(map.fd, undefined, key)) deleteElement(map.fd, key)
}

const asMade = (map: MapHandle): MapHandle => {
  clear(map)
  if (map.spec.contents) fillMap(map, map.spec.contents)
  return map
}

interface Entry {
  readonly program: ProgramHandle
  /** Those that no other program has. */
  readonly own: readonly MapHandle[]
}

const isCommon = (spec: MapSpec): boolean => spec.shared || spec.together === true

export const openStore = (): ProgramStore => {
  const entries = new Map<string, Entry>()
  const commons = new Map<string, MapHandle>()

  const commonMap = (spec: MapSpec): MapHandle => {
    const text = textOf(spec)
    const known = commons.get(text)
    if (known) return asMade(known)
    const map = createMap(spec)
    commons.set(text, map)
    return map
  }

  const entryOf = (spec: ProgramSpec, common: ReadonlyMap<string, MapHandle>): Entry => {
    const shared = spec.maps.filter(isCommon).flatMap(({ name }) => common.get(name) ?? [])
    const key = `${shared.map(({ fd }) => fd).join()} ${textOf(spec)}`
    const known = entries.get(key)
    known?.own.forEach(asMade)
    if (known) return known
    const own = spec.maps.filter(map => !isCommon(map)).map(createMap)
    const maps = new Map([...shared, ...own].map(map => [map.spec.name, map]))
    const entry = { program: loadProgram(spec, maps), own }
    entries.set(key, entry)
    return entry
  }

  const load: ProgramStore['load'] = specs => {
    const maps = new Map<string, MapHandle>()
    const programs = specs.map(spec => {
      for (const map of spec.maps.filter(isCommon))
        if (!maps.has(map.name)) maps.set(map.name, commonMap(map))
      const { program, own } = entryOf(spec, maps)
      for (const map of own) maps.set(map.spec.name, map)
      return program
    })
    return { programs, maps }
  }

  const closeAll = (): void => {
    for (const { program, own } of entries.values()) for (const { fd } of [program, ...own]) close(fd)
    for (const { fd } of commons.values()) close(fd)
  }
  return { load, close: closeAll }
}
