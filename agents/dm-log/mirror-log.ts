import { parseArguments, type Geometry, type LogArguments } from './arguments.ts';
import { Answered } from './answered.ts';
import { INSTANCES_MAX, patches, type LogState, type Patch } from './image.ts';
import { RegionSet } from './region-set.ts';
import type { Luid } from './wire.ts';

/** A table that the kernel has constructed over a log. */
interface Table {
  readonly luid: Luid;
  readonly line: string;
  readonly arguments: LogArguments;
  readonly answered: Answered<unknown>;
  activated: boolean;
}

/**
 * The log of one mirror: which regions are the same on all its legs, and which may have writes
 * under way. It outlives the tables that use it, of which one at a time is running. Sans-IO: what
 * a request changed is asked for with `takeChanges` and has to be stored before the answer.
 *
 * Every request may come again (dm-log asks again after 15 s, and after the server was restarted),
 * so each states what is to be, none what is to be added, and what to resynchronise next follows
 * from the state alone.
 */
export class MirrorLog {
  readonly uuid: string;
  readonly #boot: string;
  readonly #tables = new Map<Luid, Table>();
  #geometry: Geometry;
  #running: Luid | undefined;
  /** Regions that are the same on all legs. */
  #inSync: RegionSet;
  /** Regions without writes under way. */
  #clean: RegionSet;
  /** Regions that could not be recovered since the last resume, not to be tried before the next. */
  #failed: RegionSet;
  /** No region below needs recovery. */
  #search = 0;
  #halted = false;
  readonly #touched: [inSync: Set<number>, clean: Set<number>] = [new Set(), new Set()];
  /** The file differs in more than the touched regions. */
  #replaced = false;
  /** The file has changes that may not be on the disk. After a restart: nobody knows. */
  #volatile = true;

  /** A new log, or one as its file has it. `boot` names this boot of the machine. */
  constructor(uuid: string, boot: string, state?: LogState) {
    this.uuid = uuid;
    this.#boot = boot;
    this.#geometry = state?.geometry ?? { regionSize: 0, regionCount: 0 };
    const { regionCount } = this.#geometry;
    this.#inSync = new RegionSet(regionCount, state?.inSync);
    this.#clean = new RegionSet(regionCount, state?.clean);
    this.#failed = new RegionSet(regionCount);
    // After a reboot the kernel knows none of its tables any more, and writes were cut off.
    if (state?.boot !== boot) return;
    this.#running = state.running;
    for (const { luid, line, activated } of state.instances) {
      const parsed = parseArguments(line);
      if (parsed === undefined) continue;
      this.#tables.set(luid, newTable(luid, line, parsed, activated));
    }
  }

  get geometry(): Geometry {
    return this.#geometry;
  }

  table(luid: Luid): Table | undefined {
    return this.#tables.get(luid);
  }

  /**
   * Makes a table known. The same once more changes nothing: so the kernel finds its way back to a
   * server that was away, with its writes under way.
   */
  construct(luid: Luid, line: string, parsed: LogArguments): Table {
    const known = this.#tables.get(luid);
    if (known?.line === line) return known;
    this.#forget(luid);
    for (const other of this.#tables.keys()) {
      if (this.#tables.size < INSTANCES_MAX) break;
      if (other !== this.#running) this.#forget(other); // its end was never told
    }
    const table = newTable(luid, line, parsed, false);
    this.#tables.set(luid, table);
    this.#replaced = true;
    return table;
  }

  destroy(luid: Luid): void {
    this.#forget(luid);
  }

  /**
   * Makes a table the running one. Regions with writes under way are not known to be the same on
   * all legs any more, as dm-mirror's own logs have it. If it is running, nothing changes: the
   * kernel resumes again what it asks a restarted server about.
   */
  resume(table: Table): void {
    this.#halted = false;
    if (this.#running === table.luid) return;
    const { geometry, sync } = table.arguments;
    const { regionCount } = geometry;
    const sameRegions = geometry.regionSize === this.#geometry.regionSize;
    const afresh = sync === 'sync' && !table.activated;
    const known = sameRegions && !afresh ? Math.min(regionCount, this.#geometry.regionCount) : 0;
    // Regions of another size are unknown, but not such that were never written.
    const trusted = sync === 'nosync' && (sameRegions || this.#geometry.regionCount === 0);
    const inSync = new RegionSet(regionCount);
    const clean = new RegionSet(regionCount);
    for (let region = 0; region < regionCount; region++) {
      const isClean = region < known ? this.#clean.has(region) : trusted;
      if (isClean) clean.add(region);
      if (isClean && (region >= known || this.#inSync.has(region))) inSync.add(region);
    }
    this.#geometry = geometry;
    this.#inSync = inSync;
    this.#clean = clean;
    this.#failed = new RegionSet(regionCount);
    this.#search = 0;
    this.#running = table.luid;
    table.activated = true;
    this.#replaced = true;
  }

  /** Gives out no more work until it is resumed. */
  presuspend(luid: Luid): void {
    if (this.#running === luid) this.#halted = true;
  }

  postsuspend(luid: Luid): void {
    if (this.#running !== luid) return;
    this.#running = undefined;
    this.#replaced = true;
  }

  /** Whether regions have numbers of this log. */
  has(...regions: readonly number[]): boolean {
    return regions.every((region) => region < this.#geometry.regionCount);
  }

  isClean(region: number): boolean {
    return this.#clean.has(region);
  }

  inSync(region: number): boolean {
    return this.#inSync.has(region);
  }

  /**
   * How many regions are in sync: for a table that does not run, how many will be, when it does.
   * The kernel asks before it resumes a table, and should that answer come late and say that all
   * are, it would never ask for work.
   */
  syncCount({ luid, arguments: { geometry, sync }, activated }: Table): number {
    if (this.#running === luid) return this.#inSync.size;
    const { regionSize, regionCount } = this.#geometry;
    const same = geometry.regionSize === regionSize && geometry.regionCount === regionCount;
    return same && (sync !== 'sync' || activated) ? this.#inSync.sizeWith(this.#clean) : 0;
  }

  /** The first region that is not in sync; the number of regions if all are. */
  get firstOutOfSync(): number {
    return this.#inSync.firstMissing(0);
  }

  mark(regions: readonly number[]): void {
    for (const region of regions) this.#change(1, region, false);
  }

  /** A table that another has taken over from cannot take back what that one has marked. */
  clear(luid: Luid, regions: readonly number[]): void {
    if (this.#replacedBy(luid)) return;
    for (const region of regions) this.#change(1, region, true);
  }

  setSync(luid: Luid, region: number, inSync: boolean): void {
    if (inSync && this.#replacedBy(luid)) return;
    this.#change(0, region, inSync);
    if (inSync) this.#failed.delete(region);
    else this.#failed.add(region);
  }

  /**
   * The next region to recover; undefined if there is none. Asked again it gives the same one,
   * until that was set in sync or has failed: dm-mirror recovers one at a time.
   */
  resyncWork(luid: Luid): number | undefined {
    if (this.#running !== luid || this.#halted) return undefined;
    let region = this.#inSync.firstMissing(this.#search);
    while (region < this.#inSync.count && this.#failed.has(region)) {
      region = this.#inSync.firstMissing(region + 1);
    }
    this.#search = region;
    return region < this.#inSync.count ? region : undefined;
  }

  /** All that the file is to hold. */
  get state(): LogState {
    return {
      uuid: this.uuid,
      boot: this.#boot,
      geometry: this.#geometry,
      running: this.#running,
      instances: [...this.#tables.values()],
      inSync: this.#inSync.bytes,
      clean: this.#clean.bytes,
    };
  }

  /**
   * Takes what was changed since the last time: `all`, or the sectors to write, and whether they
   * must be on the disk before the answer. Undefined if there is nothing to do.
   */
  takeChanges(
    durable: boolean,
  ): { readonly all: boolean; readonly patches: Patch[]; readonly durable: boolean } | undefined {
    const all = this.#replaced;
    const [inSync, clean] = this.#touched;
    const sectors = all
      ? []
      : [
          ...patches(this.#inSync.bytes, 0, [...inSync]),
          ...patches(this.#clean.bytes, 1, [...clean]),
        ];
    this.#replaced = false;
    inSync.clear();
    clean.clear();
    if (sectors.length > 0) this.#volatile = true;
    const flush = all || (durable && this.#volatile);
    if (flush) this.#volatile = false;
    return flush || sectors.length > 0 ? { all, patches: sectors, durable: flush } : undefined;
  }

  /** What was taken could not be stored: the next change stores everything. */
  notStored(): void {
    this.#replaced = true;
  }

  #change(which: 0 | 1, region: number, present: boolean): void {
    const set = which === 0 ? this.#inSync : this.#clean;
    if (set.has(region) === present) return;
    if (present) set.add(region);
    else set.delete(region);
    if (which === 0 && !present) this.#search = Math.min(this.#search, region);
    this.#touched[which].add(region);
  }

  #replacedBy(luid: Luid): boolean {
    return this.#running !== undefined && this.#running !== luid;
  }

  #forget(luid: Luid): void {
    if (!this.#tables.delete(luid)) return;
    if (this.#running === luid) this.#running = undefined;
    this.#replaced = true;
  }
}

function newTable(luid: Luid, line: string, parsed: LogArguments, activated: boolean): Table {
  return { luid, line, arguments: parsed, answered: new Answered(), activated };
}
