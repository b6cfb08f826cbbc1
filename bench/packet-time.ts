// Times of packets, as several namespaces tell them.

/** Nanoseconds of a packet: the median over the namespaces of a contender, the least of them and the greatest. */
export interface PacketTime {
  readonly nanoseconds: number
  readonly least: number
  readonly greatest: number
}

/** Nanoseconds per packet, over the packets of a traffic. */
export interface Cost {
  readonly median: number
  readonly p99: number
  /** How far the namespaces of a contender are apart in the same packet, the median over the packets. */
  readonly apart: number
}

/** The value that `share` of the numbers are not above. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)

/** Of each packet, out of the times that each namespace has for all packets. */
export const packetTimes = (namespaces: readonly (readonly number[])[]): PacketTime[] =>
  (namespaces[0] ?? []).map((_, packet) => {
    const times = namespaces.map(own => own[packet] ?? Number.NaN)
    return { nanoseconds: median(times), least: Math.min(...times), greatest: Math.max(...times) }
  })

export const costOf = (packets: readonly PacketTime[]): Cost => ({
  median: median(packets.map(({ nanoseconds }) => nanoseconds)),
  p99: quantile(
    packets.map(({ nanoseconds }) => nanoseconds),
    0.99,
  ),
  apart: median(packets.map(({ least, greatest }) => greatest - least)),
})

/** How one contender's packets compare with another's. */
export interface Comparison {
  readonly packets: number
  /** Packets that take longer in every namespace of the one than in any of the other. */
  readonly slower: number
  /** Nanoseconds that the slowest of these takes longer. */
  readonly most: number
}

export function compare(own: readonly PacketTime[], other: readonly PacketTime[]): Comparison {
  const longer = own.flatMap((time, index) => {
    const against = other[index]
    return against && time.least > against.greatest ? [time.nanoseconds - against.nanoseconds] : []
  })
  return { packets: own.length, slower: longer.length, most: Math.max(0, ...longer) }
}
