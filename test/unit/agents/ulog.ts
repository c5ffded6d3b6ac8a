/** The numbers of linux/dm-log-userspace.h, written down independently of the server. */
export const asks = {
  ctr: 1,
  dtr: 2,
  presuspend: 3,
  postsuspend: 4,
  resume: 5,
  regionSize: 6,
  isClean: 7,
  inSync: 8,
  flush: 9,
  mark: 10,
  clear: 11,
  resyncWork: 12,
  setSync: 13,
  syncCount: 14,
  statusInfo: 15,
  statusTable: 16,
  remoteRecovering: 17,
} as const;

/** A request as struct dm_ulog_request has it, with what follows it. */
export interface Ask {
  readonly kind: number;
  readonly seq: number;
  readonly luid?: bigint;
  readonly uuid?: string;
  readonly data?: Uint8Array;
}

/** Encodes a request. */
export function encodeAsk({ kind, seq, luid = 0xffff_8881n, uuid = 'one', data }: Ask): Buffer {
  const bytes = Buffer.alloc(160 + (data?.length ?? 0));
  bytes.writeBigUInt64LE(luid, 0);
  bytes.write(uuid, 8, 129, 'latin1');
  bytes.writeUInt32LE(3, 140);
  bytes.writeUInt32LE(seq, 148);
  bytes.writeUInt32LE(kind, 152);
  bytes.writeUInt32LE(data?.length ?? 0, 156);
  if (data !== undefined) bytes.set(data, 160);
  return bytes;
}

/** What an answer says. */
export interface Told {
  readonly seq: number;
  /** As in the kernel: 0 or negative. */
  readonly error: number;
  readonly data: Buffer;
}

/** Decodes an answer; throws if it is not whole. */
export function decodeTold(reply: Uint8Array): Told {
  const bytes = Buffer.from(reply);
  const size = bytes.readUInt32LE(156);
  if (bytes.length !== 160 + size) throw new Error(`${bytes.length} bytes, of ${160 + size}`);
  return { seq: bytes.readUInt32LE(148), error: bytes.readInt32LE(144), data: bytes.subarray(160) };
}

/** Encodes numbers of 64 bits. */
export function u64(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), 8 * index));
  return bytes;
}

/** Decodes numbers of 64 bits. */
export function fromU64(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 8 }, (_, index) =>
    Number(bytes.readBigUInt64LE(8 * index)),
  );
}
