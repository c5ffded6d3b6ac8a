import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';

/**
 * The bytes of dm-log-userspace in a cn_msg: `struct dm_ulog_request`, 160 bytes, and data. The
 * answer is the request with `error`, `data_size` and the data of the answer (real-kernel §7).
 */

/** What the kernel asks; the numbers are those of linux/dm-log-userspace.h. */
export const kinds = {
  construct: 1,
  destroy: 2,
  presuspend: 3,
  postsuspend: 4,
  resume: 5,
  getRegionSize: 6,
  isClean: 7,
  inSync: 8,
  flush: 9,
  markRegion: 10,
  clearRegion: 11,
  getResyncWork: 12,
  setRegionSync: 13,
  getSyncCount: 14,
  statusInfo: 15,
  statusTable: 16,
  isRemoteRecovering: 17,
} as const;

/** `sizeof(struct dm_ulog_request)`. */
export const REQUEST_HEADER = 160;
/** The longest uuid: DM_UUID_LEN, less the NUL. */
export const UUID_MAX = 128;

const UUID = 8;
const ERROR = 144;
const SEQ = 148;
const KIND = 152;
const DATA_SIZE = 156;

/** Where the halves of a number of 64 bits stand. */
const [LOW, HIGH] = LITTLE_ENDIAN ? [0, 4] : [4, 0];

/** A number of 64 bits, a pointer of the kernel: 16 hexadecimal digits. */
export type Luid = string;

/** Reads a luid at `at`. */
export function readLuid(slab: Slab, at: number, littleEndian: boolean): Luid {
  const halves = [at + (littleEndian ? 4 : 0), at + (littleEndian ? 0 : 4)];
  const hex = halves.map((half) => slab.view.getUint32(half, littleEndian).toString(16));
  return hex.map((digits) => digits.padStart(8, '0')).join('');
}

/** One request of the kernel. */
export interface LogRequest {
  /** Names the log in this life of the kernel: two tables of a mirror have two of them. */
  readonly luid: Luid;
  /** Names the log for ever; bytes as Latin-1. */
  readonly uuid: string;
  /** Grows by 1 with each request of the kernel, one that is asked again included. */
  readonly seq: number;
  readonly kind: number;
  readonly data: Uint8Array;
  /** All of it; the answer repeats its header. */
  readonly bytes: Uint8Array;
}

/** Decodes a request; undefined if it is not whole. Never throws. The bytes are views. */
export function decodeRequest(bytes: Uint8Array): LogRequest | undefined {
  if (bytes.length < REQUEST_HEADER) return undefined;
  const slab = new Slab(bytes);
  const { view } = slab;
  const length = bytes.subarray(UUID, UUID + UUID_MAX + 1).indexOf(0);
  const end = REQUEST_HEADER + view.getUint32(DATA_SIZE, LITTLE_ENDIAN);
  if (length < 1 || end > bytes.length) return undefined;
  return {
    luid: readLuid(slab, 0, LITTLE_ENDIAN),
    uuid: String.fromCharCode(...bytes.subarray(UUID, UUID + length)),
    seq: view.getUint32(SEQ, LITTLE_ENDIAN),
    // The upper 24 bits are reserved (DM_ULOG_REQUEST_MASK).
    kind: view.getUint32(KIND, LITTLE_ENDIAN) & 0xff,
    data: bytes.subarray(REQUEST_HEADER, end),
    bytes,
  };
}

/** Encodes the answer to a request: `errno` as a positive number, or data. */
export function encodeReply(request: LogRequest, errno: number, data: Uint8Array): Uint8Array {
  const slab = new Slab(REQUEST_HEADER + data.length);
  slab.bytes.set(request.bytes.subarray(0, REQUEST_HEADER));
  slab.view.setInt32(ERROR, -errno, LITTLE_ENDIAN);
  slab.view.setUint32(DATA_SIZE, data.length, LITTLE_ENDIAN);
  slab.bytes.set(data, REQUEST_HEADER);
  return slab.bytes;
}

/**
 * Decodes numbers of 64 bits; undefined unless there are `least` at least and nothing else. What
 * is too large to be exact is no number of a region, and stays too large.
 */
export function decodeNumbers(data: Uint8Array, least: number): number[] | undefined {
  if (data.length % 8 !== 0 || data.length < 8 * least) return undefined;
  const { view } = new Slab(data);
  return Array.from({ length: data.length / 8 }, (_, index) => {
    const low = view.getUint32(8 * index + LOW, LITTLE_ENDIAN);
    return view.getUint32(8 * index + HIGH, LITTLE_ENDIAN) * 2 ** 32 + low;
  });
}

/** Encodes numbers of 32 bits in 64. */
export function encodeNumbers(...numbers: readonly number[]): Uint8Array {
  const slab = new Slab(8 * numbers.length);
  numbers.forEach((number, index) => {
    slab.view.setUint32(8 * index + LOW, number, LITTLE_ENDIAN);
  });
  return slab.bytes;
}
