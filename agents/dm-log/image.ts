import { crc32 } from 'node:zlib';
import { REGIONS_MAX, type Geometry } from './arguments.ts';
import { readLuid, UUID_MAX, type Luid } from './wire.ts';
import { Slab } from '../../core/slab.ts';

/**
 * The file of a log: a header of 4096 bytes, then the regions in sync and the regions clean, one
 * bit each, low bits first, each map padded to 512 bytes. Little-endian on every machine.
 *
 * The maps are changed in place, a sector at a time, which a disk writes whole or not at all; the
 * header changes only with the whole file, under a new name that then takes the place of the old.
 */

/** One table of a mirror that the kernel has constructed. */
export interface Instance {
  readonly luid: Luid;
  /** The line that it was constructed with. */
  readonly line: string;
  /** It was resumed before: `sync` in its line has had its effect. */
  readonly activated: boolean;
}

/** All that a log remembers. */
export interface LogState {
  readonly uuid: string;
  /** Names the boot of the machine that instances and `running` belong to. */
  readonly boot: string;
  readonly geometry: Geometry;
  readonly running: Luid | undefined;
  readonly instances: readonly Instance[];
  /** One bit each, as in `RegionSet`. */
  readonly inSync: Uint8Array;
  readonly clean: Uint8Array;
}

/** Instances of one log: the kernel has two of them at most, the rest is for those it forgot. */
export const INSTANCES_MAX = 4;
/** The longest line: what the kernel can send in one request. */
export const LINE_MAX = 332;

const MAGIC = 0x676c6d64; // "dmlg"
const VERSION = 1;
const HEADER = 4096;
const SECTOR = 512;

const AT_CRC = 8; // over the header, this field being 0
const AT_REGION_SIZE = 12;
const AT_REGION_COUNT = 16;
const AT_INSTANCES = 20;
const AT_RUNNING = 24; // a luid; NO_LUID if none
const AT_BOOT = 32; // a length and up to 63 bytes
const AT_UUID = 96; // a length and up to 128 bytes
const AT_INSTANCE = 256;
const NO_LUID: Luid = '0'.repeat(16); // is no pointer
const INSTANCE = 512; // luid u64, activated u8, then a length u16 and the line

/** Encodes the whole file. */
export function encodeImage(state: LogState): Uint8Array {
  const { geometry, instances, running, inSync, clean } = state;
  const slab = new Slab(HEADER + 2 * mapRoom(geometry.regionCount));
  const { bytes, view } = slab;
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(AT_REGION_SIZE, geometry.regionSize, true);
  view.setUint32(AT_REGION_COUNT, geometry.regionCount, true);
  view.setUint32(AT_INSTANCES, instances.length, true);
  writeLuid(slab, AT_RUNNING, running ?? NO_LUID);
  writeText(slab, AT_BOOT, state.boot);
  writeText(slab, AT_UUID, state.uuid);
  instances.forEach(({ luid, line, activated }, index) => {
    const at = AT_INSTANCE + index * INSTANCE;
    writeLuid(slab, at, luid);
    view.setUint8(at + 8, activated ? 1 : 0);
    writeText(slab, at + 10, line);
  });
  view.setUint32(AT_CRC, crc32(bytes.subarray(0, HEADER)), true);
  bytes.set(inSync, HEADER);
  bytes.set(clean, HEADER + mapRoom(geometry.regionCount));
  return bytes;
}

/** Decodes a file; undefined if it is not one, or not whole. Never throws. */
export function decodeImage(bytes: Uint8Array): LogState | undefined {
  if (bytes.length < HEADER) return undefined;
  const slab = new Slab(bytes);
  const { view } = slab;
  // Copied by the constructor: `slice` of a Buffer is a view.
  const header = new Uint8Array(bytes.subarray(0, HEADER)).fill(0, AT_CRC, AT_CRC + 4);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return undefined;
  if (view.getUint32(AT_CRC, true) !== crc32(header)) return undefined;
  const regionSize = view.getUint32(AT_REGION_SIZE, true);
  const regionCount = view.getUint32(AT_REGION_COUNT, true);
  const count = view.getUint32(AT_INSTANCES, true);
  const room = mapRoom(regionCount);
  if (regionCount > REGIONS_MAX || count > INSTANCES_MAX) return undefined;
  if (bytes.length !== HEADER + 2 * room) return undefined;
  const running = readLuid(slab, AT_RUNNING, true);
  const instances = Array.from({ length: count }, (_, index): Instance => {
    const at = AT_INSTANCE + index * INSTANCE;
    const activated = view.getUint8(at + 8) === 1;
    return {
      luid: readLuid(slab, at, true),
      line: readText(slab, at + 10, LINE_MAX),
      activated,
    };
  });
  const map = Math.ceil(regionCount / 8);
  return {
    uuid: readText(slab, AT_UUID, UUID_MAX),
    boot: readText(slab, AT_BOOT, AT_UUID - AT_BOOT - 2),
    geometry: { regionSize, regionCount },
    running: running === NO_LUID ? undefined : running,
    instances,
    inSync: new Uint8Array(bytes.subarray(HEADER, HEADER + map)),
    clean: new Uint8Array(bytes.subarray(HEADER + room, HEADER + room + map)),
  };
}

/** One sector of a file that is to be written. */
export interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The sectors of a map (0: in sync, 1: clean) that hold the given regions, as they are now. */
export function patches(map: Uint8Array, which: 0 | 1, regions: readonly number[]): Patch[] {
  const base = HEADER + which * mapRoom(8 * map.length);
  const sectors = new Set(regions.map((region) => Math.floor((region >>> 3) / SECTOR)));
  return [...sectors].map((sector) => {
    const bytes = new Uint8Array(SECTOR);
    bytes.set(map.subarray(sector * SECTOR, (sector + 1) * SECTOR));
    return { offset: base + sector * SECTOR, bytes };
  });
}

function mapRoom(regionCount: number): number {
  return Math.ceil(regionCount / 8 / SECTOR) * SECTOR;
}

function writeLuid(slab: Slab, at: number, luid: Luid): void {
  slab.view.setUint32(at, Number.parseInt(luid.slice(8), 16), true);
  slab.view.setUint32(at + 4, Number.parseInt(luid.slice(0, 8), 16), true);
}

/** Texts are Latin-1, a byte each, as the kernel's are. */
function writeText(slab: Slab, at: number, text: string): void {
  slab.view.setUint16(at, text.length, true);
  for (let index = 0; index < text.length; index++) {
    slab.bytes[at + 2 + index] = text.charCodeAt(index);
  }
}

function readText(slab: Slab, at: number, most: number): string {
  const length = Math.min(slab.view.getUint16(at, true), most);
  return String.fromCharCode(...slab.bytes.subarray(at + 2, at + 2 + length));
}
