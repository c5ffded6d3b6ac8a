import { createInterface } from 'node:readline';
import { SystemRandom } from '../../core/system-random.ts';
import { Slab } from '../../core/slab.ts';
import { ASK, encodeOperation, IGNORE, LISTEN, readReport } from '../../agents/proc/wire.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

// Run as a process of its own, by a user without rights: takes cn_proc's count of listeners down
// until nobody is answered, waits until somebody is again, says when that was, and adds as many
// listeners as it is told by a line on stdin.

const KERNEL = 0;
const STEPS_MAX = 100_000;
const POLL_MS = 2;

const transport = openNetlink({ protocol: 'connector', groups: [1] });
const random = new SystemRandom();
let answered: number | undefined;

transport.start({
  receive: (slab, start, end) => {
    const report = readReport(slab, start, end);
    if (report?.errno !== undefined) answered = report.ack;
  },
  overrun: () => {},
  received: () => {},
  failed: (error) => {
    throw error;
  },
});

/** Whether an operation is answered. */
async function send(operation: number): Promise<boolean> {
  const ack = random.u32();
  const bytes = encodeOperation({ operation, mask: undefined, ack });
  while (transport.send(new Slab(bytes), 0, bytes.length, KERNEL) !== 'sent') await turn();
  await turn();
  return answered === (ack + 1) >>> 0;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A time of CLOCK_MONOTONIC, in ms. */
function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

let taken = 0;
// A question makes the kernel forget that this socket ignores already, so each IGNORE takes one.
while (taken < STEPS_MAX && (await send(ASK))) {
  await send(IGNORE);
  taken += 1;
}
const mutedMs = monotonic();
while (!(await send(ASK))) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
console.log(JSON.stringify({ taken, mutedMs, mendedMs: monotonic() }));

for await (const line of createInterface(process.stdin)) {
  for (let left = Number(line); left > 0; left--) {
    await send(ASK);
    await send(LISTEN);
  }
  break;
}
transport.close();
process.stdin.destroy();
