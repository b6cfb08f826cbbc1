/** What the assembler refuses. */
export type AssemblyErrorCode =
  /** A field does not hold the number it was given. */
  | 'ERR_ASM_RANGE'
  /** A label is placed twice, never, or belongs to another assembler. */
  | 'ERR_ASM_LABEL'
  /** A jump cannot be made to reach its label. */
  | 'ERR_ASM_FAR_JUMP'

export class AssemblyError extends Error {
  readonly code: AssemblyErrorCode

  constructor(code: AssemblyErrorCode, message: string) {
    super(message)
    this.name = 'AssemblyError'
    this.code = code
  }
}
