/**
 * The name in `names` that `typed` was most probably meant to be, or undefined
 * when none is near: at most a third of the letters (at least one) may differ.
 * A letter changed, added or left out, and two neighbours swapped, count one each
 * (optimal string alignment distance).
 */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(typed, name)
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let twoBack: number[] = []
  let oneBack = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(at(oneBack, j) + 1, at(row, j - 1) + 1, at(oneBack, j - 1) + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, at(twoBack, j - 2) + 1)
      row.push(cost)
    }
    ;[twoBack, oneBack] = [oneBack, row]
  }
  return at(oneBack, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
