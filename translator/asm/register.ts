// BPF's registers, as distinct types so that a register cannot be passed where a number is meant.
//
//   r0       result of calls, and of the program
//   r1..r5   arguments; a call destroys them
//   r6..r9   kept across calls
//   r10      frame pointer, read-only

declare const brand: unique symbol

/** A register number, 0 to 10. */
export type Register = number & { readonly [brand]: 'Register' }

/** The register of a number read from an encoded instruction; the four bits there can also say 11 to 15. */
export const registerOf = (number: number): Register => number as Register

export const r0 = registerOf(0)
export const r1 = registerOf(1)
export const r2 = registerOf(2)
export const r3 = registerOf(3)
export const r4 = registerOf(4)
export const r5 = registerOf(5)
export const r6 = registerOf(6)
export const r7 = registerOf(7)
export const r8 = registerOf(8)
export const r9 = registerOf(9)
export const r10 = registerOf(10)
