/** The most regions of a log: 2 bits each in the file, 3 in memory. */
export const REGIONS_MAX: number = 1 << 22;

/** How a mirror's regions are counted. */
export interface Geometry {
  /** In sectors of 512 bytes. */
  readonly regionSize: number;
  readonly regionCount: number;
}

/** What a table line says of its log. */
export interface LogArguments {
  readonly geometry: Geometry;
  /**
   * `sync`: resynchronise everything when the table becomes active; `nosync`: regions that the log
   * has never heard of are in sync.
   */
  readonly sync: 'sync' | 'nosync' | 'default';
}

const LINE = /^(\d{1,15}) file (\d{1,10})(?: (sync|nosync))?$/;

/**
 * Reads what the kernel passes of a table line: the length in sectors, which it puts in front, and
 * the arguments behind the uuid: `file REGION_SIZE [sync|nosync]`. Undefined if that is wrong.
 */
export function parseArguments(line: string): LogArguments | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const regionSize = Number(match[2]);
  // As dm-mirror wants it: a power of two that is no less than a page.
  if (regionSize < 8 || regionSize > 2 ** 31 || !Number.isInteger(Math.log2(regionSize))) {
    return undefined;
  }
  const regionCount = Math.ceil(Number(match[1]) / regionSize);
  if (regionCount < 1 || regionCount > REGIONS_MAX) return undefined;
  const sync = match[3] as 'sync' | 'nosync' | undefined;
  return { geometry: { regionSize, regionCount }, sync: sync ?? 'default' };
}
