import { Misuse } from './misuse.ts';
import type { ConnectorId } from '../core/id.ts';
import { openNetlink, portidOf, type NetlinkTransport } from '../transport/netlink/netlink.ts';
import type { Peer } from '../transport/transport.ts';
import { openUdp, peerOf, servicePortOf, type UdpTransport } from '../transport/udp/udp.ts';

const LOOPBACK = '127.0.0.1';
/** Every address of the machine: where to serve, but nobody's to call. */
const ANY = '0.0.0.0';

/** A transport between processes, over the real kernel. */
export type KernelTransport = NetlinkTransport | UdpTransport;

/** Where an id is served. */
export type Place =
  | { readonly transport: 'netlink'; readonly portid: number }
  | { readonly transport: 'udp'; readonly host: string; readonly port: number };

/** What the command line says of it. */
export interface PlaceValues {
  readonly transport: Place['transport'];
  readonly id: ConnectorId;
  readonly portid: number | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** Adds what is known by convention. Throws `Misuse` for options of the other transport. */
export function placeOf({ transport, id, portid, host, port }: PlaceValues): Place {
  if (transport === 'netlink') {
    if (host !== undefined) throw new Misuse('--host goes with --transport udp only');
    if (port !== undefined) throw new Misuse('--port goes with --transport udp only');
    return { transport, portid: portid ?? portidOf(id) };
  }
  if (portid !== undefined) throw new Misuse('--portid goes with --transport netlink only');
  return { transport, host: host ?? LOOPBACK, port: port ?? servicePortOf(id) };
}

/** Who is there. Throws `Misuse` where nobody can be. */
export function peerAt(place: Place): Peer {
  if (place.transport === 'netlink') return place.portid;
  if (place.host === ANY) throw new Misuse(`--host takes the address of one server, not "${ANY}"`);
  return peerOf(place.host, place.port);
}

/** For people. */
export function placeText(place: Place): string {
  return place.transport === 'netlink' ? `portid ${place.portid}` : `${place.host}:${place.port}`;
}

/** Opens a transport there, to serve. */
export async function openAt(place: Place, receiveBuffer?: number): Promise<KernelTransport> {
  if (place.transport === 'netlink') {
    return openNetlink({ portid: place.portid, ...netlinkBuffer(receiveBuffer) });
  }
  return openUdp({ host: place.host, port: place.port, ...udpBuffer(receiveBuffer) });
}

/** Opens a transport anywhere on the way there, to call. */
export async function openTowards(place: Place): Promise<KernelTransport> {
  if (place.transport === 'netlink') return openNetlink();
  // What is bound to a loopback address cannot send to other machines.
  return openUdp({ host: place.host.startsWith('127.') ? LOOPBACK : ANY });
}

/** Opens a transport anywhere on this machine. */
export async function openAnywhere(
  transport: Place['transport'],
  receiveBuffer: number | undefined,
): Promise<KernelTransport> {
  if (transport === 'netlink') return openNetlink(netlinkBuffer(receiveBuffer));
  return openUdp(udpBuffer(receiveBuffer));
}

function netlinkBuffer(receiveBuffer: number | undefined): { receiveBuffer?: number } {
  return receiveBuffer === undefined ? {} : { receiveBuffer };
}

/** To Node 0 is a question. The kernel makes either the least there is. */
function udpBuffer(receiveBuffer: number | undefined): { receiveBuffer?: number } {
  return receiveBuffer === undefined ? {} : { receiveBuffer: Math.max(receiveBuffer, 1) };
}
