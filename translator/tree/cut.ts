// Where along an axis boxes fall apart best.

/** Boxes by number, their segments along one axis, and the range of segments that is to be cut. */
export interface Cutting {
  readonly ids: Int32Array
  readonly lows: Int32Array
  readonly ends: Int32Array
  readonly low: number
  readonly end: number
}

export interface Cut {
  readonly at: number
  /** The sum of the squares of what lies on the sides. */
  readonly cost: number
}

/** Finds cuts; keeps the memory that finding one takes for the next. */
export class Cutter {
  #begins = new Int32Array(64)
  #stops = new Int32Array(64)
  #begun = new Int32Array(64)
  #stopped = new Int32Array(64)

  /** The cut of least cost; undefined where no box begins or ends inside. */
  cut({ ids, lows, ends, low, end }: Cutting): Cut | undefined {
    if (this.#begins.length < ids.length) {
      this.#begins = new Int32Array(2 * ids.length)
      this.#stops = new Int32Array(2 * ids.length)
    }
    let across = 0
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? 0
      const from = lows[id] ?? 0
      const to = ends[id] ?? 0
      if (from <= low && to >= end) continue
      this.#begins[across] = from < low ? low : from
      this.#stops[across++] = to > end ? end : to
    }
    if (across === 0) return undefined
    const sides: Sides = {
      free: ids.length - across,
      begins: this.#begins.subarray(0, across),
      stops: this.#stops.subarray(0, across),
    }
    return end - low <= DENSE * across ? this.#counted(sides, low, end) : sortedCut(sides, low, end)
  }

  #counted({ free, begins, stops }: Sides, low: number, end: number): Cut | undefined {
    const segments = end - low
    if (this.#begun.length <= segments) {
      this.#begun = new Int32Array(2 * segments)
      this.#stopped = new Int32Array(2 * segments)
    }
    const begun = this.#begun.fill(0, 0, segments + 1)
    const stopped = this.#stopped.fill(0, 0, segments + 1)
    for (let i = 0; i < begins.length; i++) {
      const from = (begins[i] ?? 0) - low
      const to = (stops[i] ?? 0) - low
      begun[from] = (begun[from] ?? 0) + 1
      stopped[to] = (stopped[to] ?? 0) + 1
    }
    const best = { at: 0, cost: Number.POSITIVE_INFINITY }
    let below = free
    let above = free + begins.length
    for (let at = 1; at < segments; at++) {
      below += begun[at - 1] ?? 0
      above -= stopped[at] ?? 0
      if (!begun[at] && !stopped[at]) continue
      improve(best, low + at, below, above)
    }
    return best.at > 0 ? best : undefined
  }
}

/** Up to so many segments for each box, it is faster to count in all of them than to sort the boxes. */
const DENSE = 8

/** Where boxes that lie across the range begin and end within it, and how many cover it all. */
interface Sides {
  readonly free: number
  readonly begins: Int32Array
  readonly stops: Int32Array
}

function sortedCut({ free, begins, stops }: Sides, low: number, end: number): Cut | undefined {
  begins.sort()
  stops.sort()
  const best = { at: 0, cost: Number.POSITIVE_INFINITY }
  let [begun, stopped] = [0, 0]
  while (begun < begins.length || stopped < stops.length) {
    const at = Math.min(begins[begun] ?? end, stops[stopped] ?? end)
    while ((stops[stopped] ?? end) <= at && stopped < stops.length) stopped++
    if (at > low && at < end) improve(best, at, begun + free, stops.length - stopped + free)
    while ((begins[begun] ?? end) <= at && begun < begins.length) begun++
  }
  return best.at > 0 ? best : undefined
}

function improve(best: { at: number; cost: number }, at: number, below: number, above: number): void {
  const cost = below * below + above * above
  if (cost >= best.cost) return
  best.at = at
  best.cost = cost
}
