import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { ID, World } from './world.ts';
import { createEndpoint, decodeDatagram } from '../../index.ts';
import type { Slab } from '../../core/slab.ts';
import type { SendOutcome, Sink, Transport } from '../../transport/transport.ts';

/** To the kernel's connector: takes nothing while its own receive queue is not empty. */
class Connector implements Transport {
  readonly traits: Transport['traits'];
  readonly address = 1;
  /** Its own queue is not empty. */
  full = false;
  /** The payloads of what it took. */
  readonly sent: string[] = [];
  sink: Sink | undefined;

  constructor(traits: Transport['traits']) {
    this.traits = traits;
  }

  locate(): number {
    return 0;
  }

  start(sink: Sink): void {
    this.sink = sink;
  }

  send(slab: Slab, start: number, end: number): SendOutcome {
    if (this.full) return 'busy';
    const decoded = decodeDatagram(slab.bytes.slice(start, end));
    for (const { payload } of decoded.ok ? decoded.messages : []) {
      this.sent.push(Buffer.from(payload).toString());
    }
    return 'sent';
  }

  multicast(): SendOutcome {
    return 'denied';
  }

  join(): void {}
  leave(): void {}
  close(): void {}
}

test('requests refused for a full queue go with the next batch, before newer ones', async (t) => {
  const { clock, network } = new World();
  const connector = new Connector(network.open({ address: 1 }).traits);
  const client = createEndpoint({ transport: connector, clock });
  const ask = (text: string): void => void client.request(ID, 0, Buffer.from(text)).catch(() => {});
  const start = clock.now();
  connector.full = true;
  ask('first');
  ask('second');
  await setImmediate();
  t.is(client.stats().sendBusy, 2);
  connector.full = false;
  ask('third');
  connector.sink!.received();
  await setImmediate();
  t.deepEqual(connector.sent, ['first', 'second', 'third']);
  t.is(clock.now(), start, 'no timer was waited for');
  await clock.advance(5);
  t.is(connector.sent.length, 3, 'the timers of the refused are gone');
  client.destroy();
});

test('without a batch they go after a millisecond', async (t) => {
  const { clock, network } = new World();
  const connector = new Connector(network.open({ address: 1 }).traits);
  const client = createEndpoint({ transport: connector, clock });
  connector.full = true;
  client.request(ID, 0, Buffer.from('only')).catch(() => {});
  await setImmediate();
  connector.full = false;
  await clock.advance(2);
  t.deepEqual(connector.sent, ['only']);
  client.destroy();
});
