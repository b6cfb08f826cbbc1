/** Why the interpreter stopped. The first four are what the verifier would have found out before. */
export type VmErrorCode =
  /** An access outside of what the program may read or write. */
  | 'ERR_VM_MEMORY'
  /** An instruction, helper or kernel function with arguments it does not take. */
  | 'ERR_VM_ARGUMENT'
  /** Control left the function, or too many functions were entered. */
  | 'ERR_VM_CONTROL'
  /** More instructions than allowed. */
  | 'ERR_VM_LIMIT'
  /** The program asks for something this interpreter does not have. */
  | 'ERR_VM_UNSUPPORTED'

/** The instruction at fault. */
export interface VmPlace {
  readonly program: string
  readonly function: string
  /** Counted from the start of the function. */
  readonly slot: number
  readonly text: string
  /** Index into the rule table. */
  readonly rule?: number
}

const placeText = ({ program, function: name, slot, text }: VmPlace): string =>
  `${program}: ${name} at slot ${slot} (${text})`

export class VmError extends Error {
  readonly code: VmErrorCode
  readonly place: VmPlace | undefined

  constructor(code: VmErrorCode, message: string, place?: VmPlace) {
    super(place ? `${placeText(place)}: ${message}` : message)
    this.name = 'VmError'
    this.code = code
    this.place = place
  }
}
