import { execFileSync, spawn } from 'node:child_process';
import { connect as dial } from 'nats';

const subject = 'bench.echo';

/** Request and reply through nats-server, started on a port of its own. */
export async function serve({ port }) {
  execFileSync('nats-server', ['--version']); // throws where there is none
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  process.on('exit', () => server.kill());
  const servers = `127.0.0.1:${port}`;
  const connection = await dial({ servers, waitOnFirstConnect: true, reconnectTimeWait: 50 });
  connection.subscribe(subject, { callback: (_error, message) => message.respond(message.data) });
  await connection.flush();
}

export async function connect({ port }) {
  const connection = await dial({ servers: `127.0.0.1:${port}` });
  const echo = async (payload) => {
    const { data } = await connection.request(subject, payload, { timeout: 5_000 });
    return data;
  };
  return { echo };
}
