import { required } from './errors.ts';

/**
 * A connector id: `struct cb_id`. `idx` names the user of the connector, `val` one of its objects.
 */
export interface ConnectorId {
  readonly idx: number;
  readonly val: number;
}

/** The last id that was written: tables are keyed by the text, and most talk is of one id. */
let written = { idx: 0, val: 0, text: '0:0' };

/** Writes an id as the command line and /proc/net/connector do: `IDX:VAL`, decimal. */
export function formatId({ idx, val }: ConnectorId): string {
  if (idx !== written.idx || val !== written.val) written = { idx, val, text: `${idx}:${val}` };
  return written.text;
}

/** Reads `IDX:VAL`, each decimal or 0x-hexadecimal, 0 … 2^32 - 1. Throws `invalid-argument`. */
export function parseId(text: string): ConnectorId {
  const match = /^(0x[0-9a-f]{1,8}|\d{1,10}):(0x[0-9a-f]{1,8}|\d{1,10})$/i.exec(text);
  required(match !== null, `an id is IDX:VAL, two whole numbers, not "${text}"`);
  return checkId({ idx: Number(match[1]), val: Number(match[2]) });
}

/** Gives the id back if both halves are u32, else throws `invalid-argument`. */
export function checkId(id: ConnectorId): ConnectorId {
  const fits = isU32(id.idx) && isU32(id.val);
  if (!fits) required(false, `an id is two numbers of 32 bits, not ${formatId(id)}`);
  return id;
}

/** Tells whether a number is a whole one of 32 bits. */
export function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

/** The multicast groups of netlink, 1 to this (KF §5). */
const GROUPS = 32;

/**
 * Gives the multicast group of an id: its idx, as `cn_add_callback` has it (KF §2). Throws
 * `invalid-argument` where there is no such group.
 */
export function groupOf(id: ConnectorId): number {
  const has = id.idx >= 1 && id.idx <= GROUPS;
  required(has, `events go to the group idx, 1 to ${GROUPS}, and ${formatId(id)} has none`);
  return id.idx;
}
