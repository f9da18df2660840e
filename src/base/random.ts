/** Where chance comes from: a number in [0, 1). Tests hand in a fixed one. */
export type Random = () => number

export const systemRandom: Random = Math.random
