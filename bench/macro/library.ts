import type * as Netlink from '../../transport/netlink/netlink.ts';
import type * as Library from '../../index.ts';
import type { Echo, Place } from './contestant.ts';

const id = { idx: 20, val: 1 };
const options = { timeoutMs: 5_000 };

/** Answers over netlink with a build of this library. */
export async function serve(place: Place): Promise<void> {
  const { createEndpoint, openNetlink } = await load(place);
  createEndpoint({ transport: openNetlink({ portid: place.portid }) }).serve(id, {
    echo: (input) => input,
  });
}

/** Calls exactly once, with a deadline and a promise each. */
export async function connect(place: Place): Promise<Echo> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink() });
  const connection = await endpoint.connect(id, { peer: place.portid });
  return (payload) => connection.call('echo', payload, options);
}

/** The library measured is not always the one that measures. */
async function load({ build }: Place): Promise<typeof Library & typeof Netlink> {
  const library = (await import(new URL('index.js', build).href)) as typeof Library;
  const netlink = new URL('transport/netlink/netlink.js', build).href;
  return { ...library, ...((await import(netlink)) as typeof Netlink) };
}
