import type { Connection, Endpoint } from '../../index.ts';
import type * as Udp from '../../transport/udp/udp.ts';
import type * as Library from '../../index.ts';
import type { Client, Place } from './contestant.ts';
import { BENCH_ID } from './library.ts';

const HOST = '127.0.0.1';
const options = { timeoutMs: 5_000 };

let endpoint: Endpoint | undefined;
let connection: Connection | undefined;

/** Answers over UDP with a build of this library. */
export async function serve(place: Place): Promise<void> {
  const served = await open(place, place.port);
  served.serve(BENCH_ID, { echo: (input) => input });
}

/** Calls exactly once, in no order, with a deadline and a promise each. */
export async function connect(place: Place): Promise<Client> {
  const { peerOf } = await load(place);
  endpoint ??= await open(place, 0);
  await connection?.close();
  const dialled = await endpoint.connect(BENCH_ID, { peer: peerOf(HOST, place.through) });
  connection = dialled;
  return { echo: (payload) => dialled.call('echo', payload, options) };
}

async function open(place: Place, port: number): Promise<Endpoint> {
  const { createEndpoint, openUdp } = await load(place);
  const { datagramMax } = place;
  const size = datagramMax === undefined ? {} : { datagramMax };
  return createEndpoint({ transport: await openUdp({ host: HOST, port, ...size }) });
}

async function load({ build }: Place): Promise<typeof Library & typeof Udp> {
  const library = (await import(new URL('index.js', build).href)) as typeof Library;
  const udp = new URL('transport/udp/udp.js', build).href;
  return { ...library, ...((await import(udp)) as typeof Udp) };
}
