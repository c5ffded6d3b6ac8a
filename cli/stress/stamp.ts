import { LITTLE_ENDIAN } from '../../core/slab.ts';

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

export function writeStamp(bytes: Uint8Array, stamp: Stamp): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint16(CLIENT, stamp.client, LITTLE_ENDIAN);
  view.setUint16(CHANNEL, stamp.channel, LITTLE_ENDIAN);
  view.setUint32(NUMBER, stamp.number, LITTLE_ENDIAN);
  view.setUint32(POSITION, stamp.position, LITTLE_ENDIAN);
}

export function readStamp(bytes: Uint8Array): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    client: view.getUint16(CLIENT, LITTLE_ENDIAN),
    channel: view.getUint16(CHANNEL, LITTLE_ENDIAN),
    number: view.getUint32(NUMBER, LITTLE_ENDIAN),
    position: view.getUint32(POSITION, LITTLE_ENDIAN),
  };
}
