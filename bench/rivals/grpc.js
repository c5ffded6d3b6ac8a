import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { rmSync } from 'node:fs';

const same = (bytes) => bytes;
const asBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
const path = '/bench.Echo/call';
const method = {
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: asBuffer,
  requestDeserialize: same,
  responseSerialize: asBuffer,
  responseDeserialize: same,
};

/** Unary calls of raw bytes over a Unix socket, without protobuf. */
export async function serve(place) {
  rmSync(place.path, { force: true });
  const server = new Server();
  server.addService({ call: method }, { call: ({ request }, done) => done(null, request) });
  await new Promise((resolve, reject) => {
    const bound = (error) => (error ? reject(error) : resolve());
    server.bindAsync(`unix:${place.path}`, ServerCredentials.createInsecure(), bound);
  });
}

export async function connect(place) {
  const client = new Client(`unix:${place.path}`, credentials.createInsecure());
  const echo = (payload) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 60_000;
      client.makeUnaryRequest(path, asBuffer, same, payload, { deadline }, (error, reply) => {
        if (error) reject(error);
        else resolve(reply);
      });
    });
  return { echo };
}
