import test from 'ava';
import fc from 'fast-check';
import { hostOf, openUdp, peerOf, portOf, servicePortOf } from '../../../transport/udp/udp.ts';

const misuse = { name: 'ConnectorError', code: 'invalid-argument' };

test('an address and a port become one number and come back', (t) => {
  const byte = fc.integer({ min: 0, max: 255 });
  const host = fc.tuple(fc.integer({ min: 1, max: 255 }), byte, byte, byte);
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(host, port, (bytes, number) => {
      const peer = peerOf(bytes.join('.'), number);
      return (
        Number.isSafeInteger(peer) && hostOf(peer) === bytes.join('.') && portOf(peer) === number
      );
    }),
  );
  t.is(peerOf('127.0.0.1', 61_440), 0x7f00_0001_f000);
});

test('what is no address, no port or no peer is misuse', (t) => {
  for (const host of ['localhost', '', '::1', '127.1', '1.2.3.256', '01.2.3.4', '0.0.0.0']) {
    t.throws(() => peerOf(host, 1), misuse, host);
  }
  for (const port of [0, -1, 65_536, 1.5, NaN]) t.throws(() => peerOf('127.0.0.1', port), misuse);
  for (const peer of [0, -1, 61_440, 0x7f00_0001_0000, 2 ** 48, 1.5, NaN, Infinity]) {
    t.throws(() => hostOf(peer), misuse, String(peer));
    t.throws(() => portOf(peer), misuse, String(peer));
  }
});

test('an id has a port above those that Linux hands out', async (t) => {
  t.is(servicePortOf({ idx: 20, val: 1 }), 63_044); // PROTOCOL.md: every implementation agrees
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(word, word, (idx, val) => {
      const port = servicePortOf({ idx, val });
      return port >= 61_440 && port <= 65_535;
    }),
  );
  const transport = await openUdp({ host: '127.3.2.1' });
  t.is(transport.locate({ idx: 20, val: 1 }), peerOf('127.3.2.1', 63_044));
  transport.close();
});
