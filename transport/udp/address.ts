import { isIPv4 } from 'node:net';
import { required } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import { portidOf } from '../portid.ts';
import type { Peer } from '../transport.ts';

/** How many ports a host has: what an address of a host counts in. */
const PORTS = 65_536;
const HOSTS = 2 ** 32;
/** Where the ports of well-known servers begin; they end at 65,535. */
const FIRST_SERVICE = 0xf000;
const SERVICE_MASK = 0x0fff;

/**
 * The peer at an IPv4 address, in dotted decimal, and a port: address * 65,536 + port, 48 bits.
 * Throws `invalid-argument` for anything else; names are not looked up.
 */
export function peerOf(host: string, port: number): Peer {
  required(isIPv4(host), `a UDP host is an IPv4 address, not ${JSON.stringify(host)}`);
  const peer = numberOf(host) * PORTS + port;
  required(port > 0 && port < PORTS && isPeer(peer), `no peer can be at ${host}:${port}`);
  return peer;
}

/** The peer's IPv4 address, in dotted decimal. */
export function hostOf(peer: Peer): string {
  requirePeer(peer);
  const host = Math.floor(peer / PORTS);
  return `${host >>> 24}.${(host >>> 16) & 255}.${(host >>> 8) & 255}.${host & 255}`;
}

/** The peer's port. */
export function portOf(peer: Peer): number {
  requirePeer(peer);
  return peer % PORTS;
}

/**
 * The port at which the server of a connector id is found without asking anybody: 0xf000 plus 12
 * bits of the hash that gives netlink its portids. The range lies above the ports that Linux hands
 * out by itself (32,768 to 60,999) and where no service has one registered (RFC 6335 §6).
 *
 * Two ids share a port at odds of 1 in 4,096 a pair, and any local user may bind it first.
 */
export function servicePortOf(id: ConnectorId): number {
  return FIRST_SERVICE + (portidOf(id) & SERVICE_MASK);
}

/** Whether something can be sent there: an address and a port, neither of them 0. */
export function isPeer(peer: Peer): boolean {
  return Number.isInteger(peer) && peer > PORTS && peer < HOSTS * PORTS && peer % PORTS !== 0;
}

/** The peer of a datagram's source as the system gives it; `isPeer` may not hold for it. */
export function sourceOf(host: string, port: number): Peer {
  return numberOf(host) * PORTS + port;
}

function requirePeer(peer: Peer): void {
  required(isPeer(peer), `a UDP peer is an IPv4 address and a port as one number, not ${peer}`);
}

function numberOf(host: string): number {
  return host.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
