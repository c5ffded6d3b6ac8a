import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { unlessEnded } from './side.ts';

/** What a link does to datagrams, each way. */
export interface Link {
  readonly name: string;
  /** The share that is lost. */
  readonly loss: number;
  /** How many in a row, on average; 1: each by itself. */
  readonly burst: number;
  readonly delayUs: number;
  /** Datagrams a second that a queue of so many places lets through; 0: as many as come. */
  readonly rate: number;
  readonly places: number;
}

/** Datagrams of a while, both ways together. */
export interface Passed {
  readonly offered: number;
  readonly lost: number;
  readonly overflowed: number;
  /** Lost to the relay's own slowness. Anything but 0 spoils what was measured. */
  readonly missed: number;
}

/** A link between two processes of this machine (bench/rivals/relay.c). */
export interface Relay {
  /** The UDP port where a client finds the server. */
  readonly port: number;
  /** Makes the link so from now on. Gives what has passed since the last change. */
  readonly change: (link: Link, seed: number) => Promise<Passed>;
  readonly stop: () => void;
}

/** Starts a link that loses nothing yet to the server at a UDP port. */
export async function startRelay(binary: string, serverPort: number): Promise<Relay> {
  const child = spawn(binary, [String(serverPort)], { stdio: 'pipe' });
  const lines = createInterface({ input: child.stdout });
  const line = async (): Promise<string> =>
    String((await unlessEnded('relay', child, once(lines, 'line')))[0]);
  const port = Number(await line());
  return {
    port,
    change: async ({ loss, burst, delayUs, rate, places }, seed) => {
      const said = line();
      child.stdin.write(`${loss} ${burst} ${delayUs} ${rate} ${places} ${seed}\n`);
      const [offered = 0, lost = 0, overflowed = 0, missed = 0] = (await said)
        .split(' ')
        .map(Number);
      return { offered, lost, overflowed, missed };
    },
    stop: () => void child.kill(),
  };
}
