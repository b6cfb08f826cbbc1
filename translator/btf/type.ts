// The types BTF can describe, as far as we write them. Types name one another by id; 0 is void.
// Source: Documentation/bpf/btf.rst.

/** The number of a type within one BTF blob; 0 is void. */
export type TypeId = number

/** Only a function or variable with global linkage is seen from outside its object. */
export type Linkage = 'static' | 'global' | 'extern'

export interface Member {
  readonly name: string
  readonly type: TypeId
  /** Bytes from the start of the struct or union. */
  readonly offset: number
}

export interface BtfParameter {
  readonly name: string
  readonly type: TypeId
}

export interface Enumerator {
  readonly name: string
  /** Signed 32 bits. */
  readonly value: number
}

/** One variable of a section; for maps the section is `.maps`, for kfuncs `.ksyms`. */
export interface SectionVariable {
  readonly type: TypeId
  readonly offset: number
  readonly size: number
}

export type BtfType =
  | { readonly kind: 'int'; readonly name: string; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean }
  | { readonly kind: 'ptr' | 'const' | 'volatile'; readonly type: TypeId }
  | { readonly kind: 'array'; readonly type: TypeId; readonly indexType: TypeId; readonly length: number }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly size: number
      readonly members: readonly Member[]
    }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly Enumerator[] }
  | { readonly kind: 'fwd'; readonly name: string; readonly union: boolean }
  | { readonly kind: 'typedef'; readonly name: string; readonly type: TypeId }
  | { readonly kind: 'func_proto'; readonly result: TypeId; readonly parameters: readonly BtfParameter[] }
  | { readonly kind: 'func'; readonly name: string; readonly type: TypeId; readonly linkage: Linkage }
  | { readonly kind: 'var'; readonly name: string; readonly type: TypeId; readonly linkage: Linkage }
  | {
      readonly kind: 'datasec'
      readonly name: string
      readonly size: number
      readonly variables: readonly SectionVariable[]
    }

/** `enum btf_kind` of linux/btf.h: the number each kind has in a type's `info` word. */
export const kindNumber = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const

export const linkageNumber = { static: 0, global: 1, extern: 2 } as const satisfies Record<Linkage, number>
