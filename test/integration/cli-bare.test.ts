import test from 'ava';
import type { ExecutionContext } from 'ava';
import { cannotRun, cnrpc, noNetlink, parsed, peerScript, Running, running } from './cli-run.ts';
import { createEndpoint } from '../../sessions/endpoint.ts';
import type { BareMessage } from '../../sessions/bare-request.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

/** Bare peers written in Python from the 2005 text, with raw sockets. */

const ID = { idx: 0x20_0000, val: 7 };
const id = `${ID.idx}:${ID.val}`;

const probe = ['-c', 'import socket; socket.AF_NETLINK'];
const obstacle = noNetlink() ?? (await cannotRun('python3', probe));

async function withAgent(
  drop: number,
  seed: number,
  use: (portid: string) => Promise<void>,
): Promise<{ readonly requests: number; readonly transmissions: number }> {
  const agent = new Running('python3', [peerScript('agent.py'), String(drop), String(seed)]);
  try {
    await use(await agent.line());
    return parsed(await agent.finish()) as { requests: number; transmissions: number };
  } finally {
    agent.kill();
  }
}

async function callsRight(t: ExecutionContext, portid: string, hex: string): Promise<void> {
  const target = ['--id', id, '--portid', portid, '--timeout-ms', '20000'];
  const args = ['call', ...target, '--bare', '--hex', hex, '--idempotent', '--json'];
  const { code, stdout, stderr } = await cnrpc(args);
  t.is(code, 0, stderr);
  const answer = Buffer.from('answer:').toString('hex') + hex;
  t.like(parsed(stdout), { reply: { hex: answer } });
}

if (obstacle !== undefined) {
  test('bare peers are not tried here', (t) => {
    t.log(obstacle);
    t.pass();
  });
} else {
  test('a script that knows only the header calls a bare server', async (t) => {
    const server = running(['serve', '--id', `${ID.idx}:8`, '--bare', '--json']);
    try {
      const { listening } = parsed(await server.line()) as { listening: { portid: number } };
      const args = [listening.portid, ID.idx, 8, 400, 1].map(String);
      const caller = new Running('python3', [peerScript('caller.py'), ...args]);
      t.deepEqual(parsed(await caller.line()), { calls: 400, wrong: [] });
      t.is(await server.end('SIGTERM'), 0);
    } finally {
      server.kill();
    }
  });

  test('bare calls end right whatever a bare agent does short of lying', async (t) => {
    const seen = await withAgent(0.4, 1, async (portid) => {
      for (const hex of ['', '00', 'c0ffee']) await callsRight(t, portid, hex);
      await Promise.all(['01', '02', '03', '04'].map((hex) => callsRight(t, portid, hex)));
    });
    t.is(seen.requests, 7);
    t.true(seen.transmissions >= 7);
  });

  test('a bare request is sent once, and unanswered it is unknown whether it ran', async (t) => {
    const seen = await withAgent(1, 2, async (portid) => {
      const target = ['--id', id, '--portid', portid, '--timeout-ms', '100'];
      const { code, stdout } = await cnrpc(['call', ...target, '--bare', '--json']);
      t.is(code, 1);
      t.like(parsed(stdout), { error: { code: 'deadline-exceeded', outcome: 'unknown' } });
    });
    t.deepEqual(seen, { requests: 1, transmissions: 1 });
  });

  test('many requests at once get each its own answer; no copy of it is a message', async (t) => {
    const endpoint = createEndpoint({ transport: openNetlink() });
    const news: BareMessage[] = [];
    endpoint.on(ID, (message) => news.push(message));
    const seen = await withAgent(0.4, 3, async (portid) => {
      const line = async (name: number): Promise<void> => {
        for (let call = 0; call < 20; call++) {
          const text = `${name} ${call}`;
          // At this loss one of 400 needs some twenty repetitions, each later than the one before.
          const options = { idempotent: true, timeoutMs: 120_000 };
          const reply = await endpoint.request(ID, Number(portid), Buffer.from(text), options);
          t.is(Buffer.from(reply.payload).toString(), `answer:${text}`);
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, name) => line(name)));
    });
    t.is(seen.requests, 400);
    t.true(seen.transmissions > 400, 'some were dropped and repeated');
    const strangers = new Set(news.map(({ payload }) => Buffer.from(payload).toString()));
    t.deepEqual([...strangers], ['garbage'], 'only what answers nothing is a message');
    t.true(endpoint.stats().dropped['consumed-reply'] > 0, 'copies of answers did come');
    await endpoint.close();
  });
}
