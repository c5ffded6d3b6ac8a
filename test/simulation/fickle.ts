import { ID, type World } from './world.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { cnMsgAck, cnMsgFlags, cnMsgSeq } from '../../transport/wire/cnmsg.ts';
import * as frame from '../../transport/wire/frame.ts';
import { readOpening, writeOpening, writeRefusal } from '../../transport/wire/handshake.ts';

const INCARNATION = { high: 1, low: 1 };

/** Opens every session it is asked for and resets it at its first datagram; counts the OPENs. */
export function fickle(world: World, address: number): { readonly opened: number } {
  const counts = { opened: 0 };
  const transport = world.network.open({ address });
  const say = (length: number, peer: number, write: (slab: Slab) => void): void => {
    const slab = new Slab(length);
    write(slab);
    transport.send(slab, 0, length, peer);
  };
  transport.start({
    receive: (slab, start, _end, { peer }) => {
      const cn = start + frame.ENVELOPE_CN;
      const [seq, ack] = [cnMsgSeq(slab, cn), (cnMsgAck(slab, cn) + 1) >>> 0];
      if (cnMsgFlags(slab, cn) === frame.OPEN) {
        counts.opened += 1;
        const opening = readOpening(slab, start, ID);
        const { source: session } = opening;
        const source = counts.opened;
        const answer = { ...opening, ack, session, source, incarnation: INCARNATION };
        say(frame.OPEN_LENGTH, peer, (to) => writeOpening(to, frame.OPENED, answer));
        return;
      }
      const session = slab.view.getUint32(start + frame.AT_SOURCE, LITTLE_ENDIAN);
      const reason = frame.REASON_UNKNOWN_SESSION;
      const refusal = { id: ID, seq, ack, session, incarnation: INCARNATION, reason };
      say(frame.REFUSAL_LENGTH, peer, (to) => writeRefusal(to, frame.RESET, refusal));
    },
    overrun: () => {},
    received: () => {},
    failed: () => {},
  });
  return counts;
}
