import test from 'ava';
import { cnrpc, noNetlink, parsed, running, type Running } from './cli-run.ts';
import { portidOf } from '../../transport/netlink/netlink.ts';

/** An id that no other test, and no other run of this one, uses at the same time. */
const idx = 0x4000_0000 + process.pid;

const noSocket = noNetlink();

async function withServer(
  id: string,
  args: readonly string[],
  use: (server: Running, portid: number) => Promise<void>,
): Promise<void> {
  const server = running(['serve', '--id', id, '--json', ...args]);
  try {
    const { listening } = parsed(await server.line()) as { listening: { portid: number } };
    await use(server, listening.portid);
  } finally {
    server.kill();
  }
}

if (noSocket !== undefined) {
  test('serve and call are not tried here', (t) => {
    t.log(noSocket);
    t.pass();
  });
} else {
  test('a call gets its own value back, and the server ends in good order', async (t) => {
    const id = `${idx}:1`;
    await withServer(id, ['--echo'], async (server, portid) => {
      t.is(portid, portidOf({ idx, val: 1 }));
      for (const json of ['{"a":[1,null,"ü"]}', '5', '-5', 'null', '"x"', '[]']) {
        const reply = await cnrpc(['call', '--id', id, '--json', '--', 'echo', json]);
        t.deepEqual(reply, { code: 0, stdout: `{"reply":${json}}\n`, stderr: '' });
      }
      const nothing = await cnrpc(['call', '--id', id, '--json', 'echo']);
      t.is(nothing.stdout, '{"reply":null}\n');
      const text = await cnrpc(['call', '--id', id, 'echo', '{"a":1}']);
      t.is(text.stdout, '{\n  "a": 1\n}\n');
      t.is(await server.end('SIGTERM'), 0);
    });
  });

  test('a failed call says its outcome, as JSON on stdout and in words on stderr', async (t) => {
    const id = `${idx}:2`;
    const nobody = await cnrpc(['call', '--id', id, '--json', 'echo']);
    t.is(nobody.code, 1);
    t.like(parsed(nobody.stdout), { error: { code: 'no-peer', outcome: 'not-sent' } });
    t.regex(nobody.stderr, /^cnrpc: no-peer: [^\n]*\(outcome: not-sent\)\n$/);
    await withServer(id, [], async (server, portid) => {
      const method = await cnrpc(['call', '--id', id, '--json', 'nope']);
      t.is(method.code, 1);
      t.like(parsed(method.stdout), { error: { code: 'unimplemented', outcome: 'not-executed' } });
      const other = await cnrpc(
        ['call', '--id', `${idx}:99`, '--portid', String(portid), '--json', 'echo'],
      );
      t.like(parsed(other.stdout), { error: { code: 'refused', outcome: 'not-sent' } });
      const bare = await cnrpc(
        ['call', '--id', id, '--bare', '--timeout-ms', '50', '--json'],
      );
      t.is(bare.code, 1);
      t.like(parsed(bare.stdout), { error: { code: 'deadline-exceeded', outcome: 'unknown' } });
      const taken = await cnrpc(['serve', '--id', id, '--json']);
      t.is(taken.code, 1);
      t.like(parsed(taken.stdout), { error: { code: 'busy' } });
      t.regex(taken.stderr, new RegExp(`^cnrpc: busy: [^\\n]*${portid}[^\\n]*\\n$`));
      t.is(await server.end('SIGINT'), 0);
    });
  });

  test('serve takes a portid and a receive buffer, and tells people where it is', async (t) => {
    const portid = portidOf({ idx, val: 3 }) + 1;
    const server = running(
      ['serve', '--id', `${idx}:4`, '--portid', String(portid), '--receive-buffer', '4608'],
    );
    try {
      t.is(await server.line(), `serving ${idx}:4 at portid ${portid}; ctrl-c ends it`);
      const args = ['call', '--id', `${idx}:4`, '--portid', String(portid), '--json', 'echo', '1'];
      t.is((await cnrpc(args)).stdout, '{"reply":1}\n');
      t.is(await server.end('SIGINT'), 0);
    } finally {
      server.kill();
    }
  });

  test('a bare call to a bare server gets the same payload', async (t) => {
    const id = `${idx}:5`;
    await withServer(id, ['--bare'], async (server) => {
      const args = ['call', '--id', id, '--bare', '--hex', 'c0 ffee', '--json'];
      const { code, stdout } = await cnrpc(args);
      t.is(code, 0);
      t.like(parsed(stdout), { reply: { hex: 'c0ffee' } });
      const text = await cnrpc(['call', '--id', id, '--bare']);
      t.regex(text.stdout, /^seq \d+ {2}ack \d+ {2}payload \(none\)\n$/);
      t.is(await server.end('SIGTERM'), 0);
    });
  });
}
