import test from 'ava';
import { cnrpc, parsed } from './cli-run.ts';
import { isConnectorError } from '../../core/errors.ts';
import { matchRules } from '../../reliability/match.ts';
import { createEndpoint } from '../../sessions/endpoint.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

const PROC = { idx: 1, val: 1 };
const KERNEL = 0;

/** cn_proc's 32-bit operation, in the byte order of the machine. */
function operation(number: number): Uint8Array {
  return new Uint8Array(new Uint32Array([number]).buffer);
}

async function unanswering(): Promise<string | undefined> {
  const { code, stderr } = await cnrpc(['kernel', 'ping', '--timeout-ms', '1000']);
  return code === 0 ? undefined : stderr.trim();
}

const obstacle = await unanswering();

if (obstacle !== undefined) {
  test('the real kernel is not asked here', (t) => {
    t.log(obstacle);
    t.pass();
  });
} else {
  test.serial('the real kernel answers each ping by ack + 1', async (t) => {
    const { code, stdout } = await cnrpc(['kernel', 'ping', '--count', '3', '--json']);
    t.is(code, 0);
    const pings = stdout.trim().split('\n').map(parsed) as Record<string, number>[];
    t.is(pings.length, 3);
    for (const [at, ping] of pings.entries()) {
      t.is(ping['ping'], at + 1);
      t.is(ping['ackReceived'], (ping['ackSent']! + 1) >>> 0);
      t.is(ping['seqSent'], (pings[0]!['seqSent']! + at) >>> 0);
      t.true(Number.isInteger(ping['seqReceived']) && ping['roundTripMs']! > 0);
    }
    const text = await cnrpc(['kernel', 'ping']);
    t.regex(text.stdout, / seq sent +received +ack sent +received +round trip\n.* ms\n$/);
  });

  test.serial('a ping takes back the listener that it has added', async (t) => {
    let transport;
    try {
      transport = openNetlink({ protocol: 'connector', groups: [1] });
    } catch (error) {
      if (!isConnectorError(error)) throw error;
      t.log(`skipped: ${error.message}`);
      t.pass();
      return;
    }
    const endpoint = createEndpoint({ transport });
    // All listeners see all acknowledgements, and nobody that of an IGNORE of his own (KF §7.3).
    const waiting = new Set<() => void>();
    let acknowledged = 0;
    endpoint.on(PROC, ({ payload }) => {
      if (new DataView(payload.buffer, payload.byteOffset).getUint32(0) !== 0) return;
      acknowledged += 1;
      for (const wake of waiting) wake();
    });
    await endpoint.request(PROC, KERNEL, operation(1), { rule: matchRules.proc, idempotent: true });
    const both = new Promise<void>((resolve) => {
      waiting.add(() => {
        if (acknowledged >= 2) resolve();
      });
    });
    t.is((await cnrpc(['kernel', 'ping'])).code, 0);
    await both;
    t.pass('LISTEN and IGNORE were both seen');
    await t.throwsAsync(endpoint.request(PROC, KERNEL, operation(2), { timeoutMs: 1 }));
    await endpoint.close();
  });
}
