import test from 'ava';
import type { ExecutionContext } from 'ava';
import { availableParallelism } from 'node:os';
import { isConnectorError } from '../../core/errors.ts';
import { openNetlink, type NetlinkTransport } from '../../transport/netlink/netlink.ts';
import { numbered, Recorder } from '../compliance/recorder.ts';

/** So many datagrams are sent at the most. */
const MANY = 2000;

/** Tells of each batch and each look. */
class Watcher extends Recorder {
  onBatch = nothing;
  onLook = nothing;

  override received(): void {
    super.received();
    this.onBatch();
  }

  looked(): void {
    this.onLook();
  }
}

/** Two sockets for a test; none, and the reason is logged, where looks cannot be seen. */
function openTwo(t: ExecutionContext): NetlinkTransport[] {
  const opened: NetlinkTransport[] = [];
  t.teardown(() => {
    for (const transport of opened) transport.close();
  });
  t.pass();
  if (availableParallelism() < 2) {
    t.log('skipped: with one processor nobody looks');
    return [];
  }
  try {
    opened.push(openNetlink());
    opened.push(openNetlink());
    return opened;
  } catch (error) {
    if (!isConnectorError(error, 'unavailable')) throw error;
    t.log(`skipped: ${error.message}`);
    return [];
  }
}

/** Counts the turns of the event loop until it is stopped. */
function countTurns(): { turns: number; stop(): void } {
  const turn = (): void => {
    count.turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const count = { turns: 0, stop: () => clearImmediate(next) };
  return count;
}

test('a reader looks on for a while, says so, and lets others have their turn', async (t) => {
  const [reader, sender] = openTwo(t);
  if (reader === undefined || sender === undefined) return;
  const watcher = new Watcher();
  reader.start(watcher);
  t.false(reader.looking);
  const count = countTurns();
  let shared = false; // two looks in one turn of the event loop
  let turned = false; // and two in different ones
  // How many looks there are in 0.2 ms is the processor's affair, and may be one.
  for (let number = 0; number < MANY && !(shared && turned); number++) {
    const looks: number[] = [];
    const over = new Promise<void>((resolve) => {
      watcher.onLook = () => {
        const previous = looks.at(-1);
        looks.push(count.turns);
        shared ||= previous === count.turns;
        turned ||= previous !== undefined && previous !== count.turns;
        if (!reader.looking) resolve();
      };
    });
    const come = new Promise<void>((resolve) => {
      watcher.onBatch = resolve;
    });
    t.is(sender.send(numbered(number), 0, 64, reader.portid), 'sent');
    await come;
    await new Promise((resolve) => setImmediate(resolve));
    if (reader.looking) await over;
    t.false(reader.looking);
  }
  count.stop();
  t.true(shared, 'looks share turns');
  t.true(turned, 'others have their turn');
});

test('a look that found something is told of as well', async (t) => {
  const [reader, sender] = openTwo(t);
  if (reader === undefined || sender === undefined) return;
  const watcher = new Watcher();
  /** Batches (b), the microtasks after them (m), looks (l). */
  let story = '';
  let number = 0;
  const told = new Promise<void>((resolve) => {
    const send = (): string => sender.send(numbered(number++), 0, 64, reader.portid);
    watcher.onBatch = () => {
      story += 'b';
      queueMicrotask(() => {
        story += 'm';
        // Told in the very tick of the batch, sooner or later.
        if (story.endsWith('blm') || number >= MANY) resolve();
        else if (!reader.looking) send();
      });
    };
    watcher.onLook = () => {
      story += 'l';
      send(); // for the next look to find, or for readiness to bring
    };
    reader.start(watcher);
    send();
  });
  await told;
  t.regex(story, /blm$/);
});

function nothing(): void {}
