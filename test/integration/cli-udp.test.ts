import test from 'ava';
import { cannotRun, cnrpc, main, parsed, running, type Run } from './cli-run.ts';
import { openUdp, servicePortOf } from '../../transport/udp/udp.ts';

/** Ports that nobody has: other runs of this test use those of their own. */
async function freePort(): Promise<string> {
  const transport = await openUdp();
  transport.close();
  return String(transport.port);
}

async function stress(args: string, run: Run = {}): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await cnrpc(
    ['stress', '--transport', 'udp', '--json', ...args.split(' ')],
    run,
  );
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return parsed(stdout);
}

function good(calls: number): object {
  return {
    transport: 'udp',
    calls: { started: calls, succeeded: calls, failed: 0 },
    executions: calls,
    duplicateExecutions: 0,
    wrongReplies: 0,
    orderViolations: 0,
    virtualMs: null,
  };
}

test.serial('over udp, processes call each other through queues of 9 KiB', async (t) => {
  t.like(await stress('--calls 3000 --in-flight 64 --receive-buffer 4608'), good(3000));
  t.like(await stress('--calls 100 --receive-buffer 0'), good(100));
});

test.serial('over udp, faults are made on the way', async (t) => {
  const report = await stress(
    '--calls 1000 --in-flight 8 --clients 3 --loss 0.1 --duplicate 0.05 --reorder 0.1 '
      + '--corrupt 0.02 --delay-ms 0..2 --memory-pressure severe',
  );
  t.like(report, good(1000));
  const { lost, duplicated } = report['network'] as Record<string, number>;
  t.true(Math.min(lost!, duplicated!) > 0);
});

test.serial('over udp it needs no privilege', async (t) => {
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const obstacle = process.getuid?.() === 0
    ? await cannotRun(through[0]!, [...through.slice(1), process.execPath, main, '--version'])
    : 'not run as root, so the other tests are without privilege already';
  if (obstacle !== undefined) {
    t.log(`skipped: ${obstacle}`);
    t.pass();
    return;
  }
  t.like(await stress('--calls 500 --in-flight 16', { through }), good(500));
});

test.serial('a call over udp gets its own value back', async (t) => {
  const id = `${0x5000_0000 + process.pid}:1`;
  const port = await freePort();
  const server = running(
    ['serve', '--transport', 'udp', '--id', id, '--port', port, '--json', '--receive-buffer', '0'],
  );
  try {
    t.deepEqual(parsed(await server.line()), {
      listening: { host: '127.0.0.1', port: Number(port), id },
    });
    const call = ['call', '--transport', 'udp', '--id', id, '--json'];
    const there = [...call, '--port', port];
    for (const args of [there, [...there, '--host', '127.0.0.1']]) {
      const reply = await cnrpc([...args, 'echo', '{"a":[1,"ü"]}']);
      t.deepEqual(reply, { code: 0, stdout: '{"reply":{"a":[1,"ü"]}}\n', stderr: '' });
    }
    const other = await cnrpc([...call, '--host', '127.1.2.3', '--port', port,
      '--timeout-ms', '100', 'echo']);
    t.is(other.code, 1, 'the host counts');
    t.like(parsed(other.stdout), { error: { code: 'deadline-exceeded', outcome: 'not-sent' } });
    const taken = await cnrpc(['serve', '--transport', 'udp', '--id', id, '--port', port]);
    t.is(taken.code, 1);
    t.regex(taken.stderr, new RegExp(`^cnrpc: busy: [^\\n]*127\\.0\\.0\\.1:${port} [^\\n]*\\n$`));
    t.is(await server.end('SIGTERM'), 0);
  } finally {
    server.kill();
  }
});

test.serial('serve over udp is where clients look, and answers bare peers', async (t) => {
  const idx = 0x5000_0000 + process.pid;
  const id = `${idx}:2`;
  const host = `127.${process.pid & 255}.7.7`; // no other run of this test is there
  const server = running(['serve', '--transport', 'udp', '--id', id, '--host', host, '--bare']);
  try {
    const port = servicePortOf({ idx, val: 2 });
    t.is(await server.line(), `serving ${id} at ${host}:${port}; ctrl-c ends it`);
    const call = ['call', '--transport', 'udp', '--id', id, '--host', host, '--bare', '--json'];
    const { stdout, code } = await cnrpc([...call, '--hex', 'c0ffee']);
    t.is(code, 0);
    t.like(parsed(stdout), { reply: { hex: 'c0ffee' } });
    t.is(await server.end('SIGINT'), 0);
  } finally {
    server.kill();
  }
});
