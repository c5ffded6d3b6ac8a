import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './contestant.ts';
import { startNative, startNode, type Player } from './player.ts';

/** The folder bench/rivals, seen from dist/bench/macro. */
const rivals = new URL('../../../bench/rivals/', import.meta.url);
/** This build of the library. */
export const ownBuild: URL = new URL('../../', import.meta.url);

/** The contestants that could be started, and why the others could not. */
export interface Field {
  readonly players: readonly Player[];
  readonly absent: readonly string[];
}

/** The name that the others are compared with. */
export const OURS = 'connector-rpc';

/**
 * Starts every contestant that this machine can run, of the rivals only those that `only` names.
 * `baseline` is another build of the library, the URL of its folder, measured beside this one.
 */
export async function startField(folder: string, baseline?: URL, only?: RegExp): Promise<Field> {
  const starts: readonly (readonly [string, (place: Place, name: string) => Promise<Player>])[] = [
    [OURS, (place, name) => startNode(name, local('library'), place)],
    ['C, one a datagram', (place, name) => startNative(name, compile(folder), place)],
    ['unix frames', (place, name) => startNode(name, local('unix-frames'), place)],
    ['MessagePort', (place, name) => startNode(name, local('message-port'), place)],
    ['ZeroMQ', (place, name) => startNode(name, new URL('zeromq.js', rivals), place)],
    ['grpc-js', (place, name) => startNode(name, new URL('grpc.js', rivals), place)],
    ['NATS', (place, name) => startNode(name, new URL('nats.js', rivals), place)],
  ];
  const players: Player[] = [];
  const absent: string[] = [];
  const start = async (name: string, build: URL, begin: (typeof starts)[0][1]): Promise<void> => {
    try {
      players.push(await begin(placeOf(folder, players.length, build), name));
    } catch (error) {
      absent.push(`${name}: ${(error as Error).message}`);
    }
  };
  for (const [name, begin] of starts) {
    if (name === OURS || only === undefined || only.test(name)) await start(name, ownBuild, begin);
  }
  if (baseline !== undefined) await start('baseline', baseline, starts[0]![1]);
  return { players, absent };
}

/** A folder for sockets and the compiled C. */
export function makeFolder(): string {
  return mkdtempSync('/tmp/connector-rpc-bench-');
}

function local(name: string): URL {
  return new URL(`${name}.js`, import.meta.url);
}

/** A place that no other contestant of the run has. */
export function placeOf(folder: string, index: number, build: URL): Place {
  const number = (process.pid % 10_000) * 16 + index;
  return {
    path: join(folder, `${index}.sock`),
    port: 20_000 + (number % 40_000),
    portid: 0x40000000 + number,
    build: build.href,
  };
}

function compile(folder: string): string {
  const binary = join(folder, 'netlink');
  const source = new URL('netlink.c', rivals).pathname;
  execFileSync('cc', ['-O2', '-o', binary, source], { stdio: 'pipe' });
  return binary;
}
