// Lists that many small things keep. One that is pushed to has room for sixteen more.

const FEW = 16

/** A short list without that room. */
export const trimmed = <T>(list: readonly T[]): readonly T[] => (list.length < FEW ? list.slice() : list)
