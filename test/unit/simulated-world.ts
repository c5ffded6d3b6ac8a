import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Faults } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { NetworkOptions, OpenOptions } from '../../transport/simulated/network.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import { numbered, record } from '../compliance/recorder.ts';
import type { Recorder } from '../compliance/recorder.ts';

/** A simulated network to play with, whose sockets are recorded. */
export interface World {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  open(options?: OpenOptions): { socket: SimulatedTransport; sink: Recorder };
  /** Sends datagrams first … last; gives the outcomes. */
  send(from: SimulatedTransport, to: number, first: number, last?: number): string[];
}

export function makeWorld(options: Omit<NetworkOptions, 'clock'> = {}): World {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, ...options });
  return {
    clock,
    network,
    open: (open) => {
      const socket = network.open(open);
      return { socket, sink: record(socket) };
    },
    send: (from, to, first, last = first) => {
      const outcomes = [];
      for (let number = first; number <= last; number++) {
        outcomes.push(from.send(numbered(number), 0, 64, to));
      }
      return outcomes;
    },
  };
}

/** A receive buffer of two slots for 64 bytes. */
export const small: OpenOptions = { receiveBuffer: 2304 };
export const constant: Faults = { delayMs: { min: 5, max: 5 } };
export const misuse: { code: 'invalid-argument' } = { code: 'invalid-argument' };
