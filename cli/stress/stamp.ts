/** What a call's payload says of it, so that whoever sees the payload knows which call it is of. */
export interface Stamp {
  readonly client: number;
  /** Counts the client's calls from 0. */
  readonly number: number;
  /** From 1; 0 for none. */
  readonly channel: number;
  /** Counts the calls on the channel from 0. */
  readonly position: number;
}

/** Payloads shorter than this carry no stamp. */
export const STAMP_LENGTH = 12;

const CLIENT = 0;
const CHANNEL = 2;
const NUMBER = 4;
const POSITION = 8;

/** Byte by byte: a `DataView` for 12 bytes costs more than they do. */
export function writeStamp(bytes: Uint8Array, stamp: Stamp): void {
  write16(bytes, CLIENT, stamp.client);
  write16(bytes, CHANNEL, stamp.channel);
  write32(bytes, NUMBER, stamp.number);
  write32(bytes, POSITION, stamp.position);
}

export function readStamp(bytes: Uint8Array): Stamp {
  return {
    client: read16(bytes, CLIENT),
    channel: read16(bytes, CHANNEL),
    number: read32(bytes, NUMBER),
    position: read32(bytes, POSITION),
  };
}

function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, value);
  write16(bytes, at + 2, value >>> 16);
}

function read16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function read32(bytes: Uint8Array, at: number): number {
  return (read16(bytes, at) | (read16(bytes, at + 2) << 16)) >>> 0;
}
