import test from 'ava';
import { availableParallelism } from 'node:os';
import { isConnectorError } from '../../core/errors.ts';
import { openNetlink, type NetlinkTransport } from '../../transport/netlink/netlink.ts';
import { numbered, Recorder } from '../compliance/recorder.ts';

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
  if (availableParallelism() < 2) {
    t.log('skipped: with one processor nobody looks');
    t.pass();
    return;
  }
  const opened: NetlinkTransport[] = [];
  try {
    opened.push(openNetlink(), openNetlink());
  } catch (error) {
    if (!isConnectorError(error, 'unavailable')) throw error;
    t.log(`skipped: ${error.message}`);
    t.pass();
    return;
  }
  const [reader, sender] = opened as [NetlinkTransport, NetlinkTransport];
  const watcher = new Watcher();
  reader.start(watcher);
  t.false(reader.looking);
  const count = countTurns();
  let shared = false; // two looks in one turn of the event loop
  let turned = false; // and two in different ones
  // How many looks there are in 0.2 ms is the processor's affair, and may be one.
  for (let number = 0; number < 1000 && !(shared && turned); number++) {
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
  for (const transport of opened) transport.close();
  t.true(shared, 'looks share turns');
  t.true(turned, 'others have their turn');
});

function nothing(): void {}
