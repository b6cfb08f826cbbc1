import type { Family } from './family.ts'
import type { OptionSpec } from './option.ts'
import type { AnyMatchExtension, AnyTargetExtension } from './registry.ts'

/** An extension's options by each of their spellings. */
export type OptionIndex = ReadonlyMap<string, { readonly name: string; readonly spec: OptionSpec<unknown> }>

const optionIndex: Readonly<Record<Family, WeakMap<object, OptionIndex>>> = {
  4: new WeakMap(),
  6: new WeakMap(),
}

/** The options an extension has in a family. */
export function optionsOf(extension: AnyMatchExtension | AnyTargetExtension, family: Family): OptionIndex {
  let index = optionIndex[family].get(extension)
  if (!index) {
    index = new Map(
      Object.entries(extension.options)
        .filter(([, spec]) => spec.families?.includes(family) ?? true)
        .flatMap(([name, spec]) =>
          [name, ...(spec.aliases ?? [])].map(long => [long, { name, spec }] as const),
        ),
    )
    optionIndex[family].set(extension, index)
  }
  return index
}
