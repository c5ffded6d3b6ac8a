import { SeededRandom } from '../../core/random.ts';
import type { CallOptions } from '../../sessions/calling.ts';
import type { Faults, Range } from '../../transport/faults.ts';

/** What a stress run does. Plain data: it travels to the worker processes. */
export interface Plan {
  readonly transport: 'simulated' | 'netlink' | 'udp';
  /** Calls in all, shared out evenly among the clients. */
  readonly calls: number;
  readonly clients: number;
  /** Calls that each client has open at the same time. */
  readonly inFlight: number;
  /** Bytes of each call and of its reply. */
  readonly payload: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly corrupt: number;
  readonly delayMs: Range;
  readonly memory: 'none' | 'moderate' | 'severe';
  /** As given to SO_RCVBUF. */
  readonly receiveBuffer: number | undefined;
  readonly seed: number;
}

/** The id that a stress run serves. */
export const STRESS_ID: { readonly idx: number; readonly val: number } = { idx: 20, val: 1 };

/** FIFO channels of each client. */
const CHANNELS = ['north', 'east', 'south', 'west'] as const;
/** What goes with a call outside of channels, and in each of them. */
const OPTIONS = [{}, ...CHANNELS.map((channel) => ({ channel }))] as const;

/** How many of the calls a client makes. */
export function quotaOf({ calls, clients }: Plan, client: number): number {
  return Math.floor(calls / clients) + (client < calls % clients ? 1 : 0);
}

/** The channel of a client's call, from 1; 0 for none. Every other call is made on a channel. */
export function channelOf(number: number): number {
  return number % 2 === 0 ? 0 : 1 + (((number - 1) / 2) % CHANNELS.length);
}

/** The options of the calls on a channel. */
export function optionsOf(channel: number): CallOptions {
  return OPTIONS[channel]!;
}

export function faultsOf({ loss, duplicate, reorder, corrupt, delayMs }: Plan): Faults {
  return { loss, duplicate, reorder, corrupt, delayMs };
}

/** Whether anything goes wrong on purpose. */
export function isFaulty({ loss, duplicate, reorder, corrupt, delayMs, memory }: Plan): boolean {
  return loss + duplicate + reorder + corrupt + delayMs.max > 0 || memory !== 'none';
}

/** All chance of a run comes from its seed. */
export function randomOf({ seed }: Plan, label: string): SeededRandom {
  return new SeededRandom(seed).fork(label);
}
