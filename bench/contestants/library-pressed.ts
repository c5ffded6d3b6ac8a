import type { Endpoint } from '../../index.ts';
import type { Client, Place, Sent } from './contestant.ts';
import { BENCH_ID, load } from './library.ts';

/** A place with little room, where the server reads late. */
export interface PressedPlace extends Place {
  /** What SO_RCVBUF of both sides reads as once it is set; undefined for the system's default. */
  readonly receiveBuffer: number | undefined;
  /** How long the server's event loop is blocked after each batch of requests. */
  readonly lateMs: number;
}

const options = { timeoutMs: 30_000 };

/** Answers over netlink, and blocks the event loop once for all that came in one turn of it. */
export async function serve(place: PressedPlace): Promise<void> {
  const { createEndpoint, openNetlink } = await load(place);
  const { portid, lateMs } = place;
  const endpoint = createEndpoint({ transport: openNetlink({ portid, ...bufferOf(place) }) });
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let blocked = lateMs === 0;
  endpoint.serve(BENCH_ID, {
    echo: (input) => {
      if (!blocked) {
        blocked = true;
        setImmediate(() => {
          Atomics.wait(cell, 0, 0, lateMs); // sleeps: the other side may have the processor
          blocked = false;
        });
      }
      return input;
    },
    sent: () => ({ ...sentBy(endpoint) }),
  });
}

/** Calls exactly once, with a deadline and a promise each. */
export async function connect(place: PressedPlace): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink(bufferOf(place)) });
  const connection = await endpoint.connect(BENCH_ID, { peer: place.portid });
  let asked = 0; // how often it was asked what was sent, which is a call too
  return {
    echo: (payload) => connection.call('echo', payload, options),
    sent: async () => {
      const theirs = (await connection.call('sent', null)) as unknown as Sent;
      const ours = sentBy(endpoint);
      asked += 1;
      return {
        transmissions: ours.transmissions + theirs.transmissions - 2 * asked,
        datagrams: ours.datagrams + theirs.datagrams - 2 * asked,
        drops: ours.drops + theirs.drops,
      };
    },
  };
}

function sentBy(endpoint: Endpoint): Sent {
  const { requestsSent, repliesSent, datagramsSent, overrun } = endpoint.stats();
  return {
    transmissions: requestsSent + repliesSent,
    datagrams: datagramsSent,
    drops: overrun,
  };
}

/** The kernel doubles what it is given (KF §6.1). */
function bufferOf({ receiveBuffer }: PressedPlace): { receiveBuffer?: number } {
  return receiveBuffer === undefined ? {} : { receiveBuffer: receiveBuffer / 2 };
}
