import { getHeapSnapshot } from 'node:v8';
import { Picture } from './picture.ts';

/** The objects of a heap: how many of each kind, and their bytes. */
export type Population = ReadonlyMap<string, Kind>;

/** All objects with one name, held by the same. */
export interface Kind {
  readonly count: number;
  /** Their own, without what they point to. */
  readonly bytes: number;
}

/**
 * Counts the objects of this heap, after the collection that a picture of it begins with, by what
 * they are and who holds them. The picture is text and has to fit a string: a million objects are
 * near the limit.
 */
export async function population(): Promise<Population> {
  const chunks: Buffer[] = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer);
  const picture = new Picture(Buffer.concat(chunks).toString());
  const kinds = new Map<string, { count: number; bytes: number }>();
  for (let node = 0; node < picture.size; node++) {
    const name = picture.describe(node);
    const kind = kinds.get(name) ?? { count: 0, bytes: 0 };
    kind.count += 1;
    kind.bytes += picture.bytes(node);
    kinds.set(name, kind);
  }
  return kinds;
}
