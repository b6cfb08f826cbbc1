// Lists of boxes, one behind the other in few arrays: there are more leaves than rules, and an array for each would be felt.

/** Numbers of boxes, in order: so many of an array, from a place on. */
export interface BoxList {
  readonly ids: Int32Array
  readonly from: number
  readonly length: number
}

export class BoxLists {
  #ids: Int32Array
  #end = 0

  /** With room for about so many boxes. */
  constructor(room: number) {
    this.#ids = new Int32Array(room)
  }

  /** A copy of those from one place of an array on to another. */
  add(ids: Int32Array, from: number, to: number): BoxList {
    const length = to - from
    // lists that are there already stay in the array they are in
    if (this.#end + length > this.#ids.length) {
      this.#ids = new Int32Array(this.#ids.length + length)
      this.#end = 0
    }
    const own = this.#ids
    const list = { ids: own, from: this.#end, length }
    let end = this.#end
    for (let at = from; at < to; at++) own[end++] = ids[at] as number
    this.#end = end
    return list
  }
}
