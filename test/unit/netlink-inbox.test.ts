import test from 'ava';
import { constants } from 'node:os';
import { Slab } from '../../core/slab.ts';
import { Inbox } from '../../transport/netlink/inbox.ts';
import { BATCH, SLOT } from '../../transport/netlink/memory.ts';
import type { NetlinkSocket } from '../../transport/netlink/socket.ts';

/** A socket that gives a batch as large as can be, and breaks. */
function breaking(): NetlinkSocket {
  const answers = [BATCH, -constants.errno.ENOMEM];
  const memory = {
    slots: new Slab(BATCH * SLOT),
    length: () => 100,
    sender: () => 7,
    group: () => 0,
    credentials: () => false,
  };
  return {
    receiveBuffer: 212_992,
    memory,
    receive: () => answers.shift() ?? -constants.errno.EAGAIN,
    watch: () => ({ close: () => {} }),
  } as unknown as NetlinkSocket;
}

test('a socket that broke is not looked at, whatever it gave before', async (t) => {
  const inbox = new Inbox(breaking(), false);
  let story = '';
  inbox.start({
    receive: () => {},
    overrun: () => {},
    received: () => (story += 'received '),
    failed: () => (story += 'failed '),
    looked: () => (story += 'looked '),
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.is(story, 'received failed ');
  t.false(inbox.looking);
});
