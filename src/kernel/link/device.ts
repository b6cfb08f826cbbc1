/** A network device of the current network namespace. */
export interface Device {
  readonly name: string
  readonly index: number
}
