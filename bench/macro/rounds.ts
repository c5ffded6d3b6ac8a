/**
 * Does something with each of a few in turn, in an order drawn anew each round: what else the
 * machine does meets them all alike, and those of one round are neighbours in time. Gives what came
 * of it, a value a round.
 */
export async function interleaved<T, R>(
  items: readonly T[],
  rounds: number,
  work: (item: T) => Promise<R>,
): Promise<Map<T, R[]>> {
  const found = new Map(items.map((item): [T, R[]] => [item, []]));
  for (let round = 0; round < rounds; round++) {
    for (const item of shuffled(items)) found.get(item)!.push(await work(item));
  }
  return found;
}

/** Gives the items in an order drawn anew. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((left, right) => left.key - right.key)
    .map(({ item }) => item);
}
