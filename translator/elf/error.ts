/** Why a program cannot be written as an object file. */
export type ObjectErrorCode =
  /** A map needs contents before use that libbpf has no way to give it. */
  | 'ERR_ELF_CONTENTS'
  /** Two programs mean different maps by one name. */
  | 'ERR_ELF_MAP'
  /** A name is no C identifier, and BTF takes no others. */
  | 'ERR_ELF_NAME'
  /** A kernel function or a member of a kernel structure whose C type is not known here. */
  | 'ERR_ELF_KERNEL_TYPE'
  /** An instruction refers to a function or map its program does not have. */
  | 'ERR_ELF_REFERENCE'

export class ObjectError extends Error {
  readonly code: ObjectErrorCode
  readonly hint: string | undefined

  constructor(code: ObjectErrorCode, message: string, hint?: string) {
    super(message)
    this.name = 'ObjectError'
    this.code = code
    this.hint = hint
  }
}
