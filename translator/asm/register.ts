// BPF's registers, as distinct types so that a register cannot be passed where a number is meant.
//
//   r0       result of calls, and of the program
//   r1..r5   arguments; a call destroys them
//   r6..r9   kept across calls
//   r10      frame pointer, read-only

declare const brand: unique symbol

/** A register number, 0 to 10. */
export type Register = number & { readonly [brand]: 'Register' }

const register = (number: number): Register => number as Register

export const r0 = register(0)
export const r1 = register(1)
export const r2 = register(2)
export const r3 = register(3)
export const r4 = register(4)
export const r5 = register(5)
export const r6 = register(6)
export const r7 = register(7)
export const r8 = register(8)
export const r9 = register(9)
export const r10 = register(10)
