import type { ConnectorId } from '../../../core/id.ts';
import { Slab } from '../../../core/slab.ts';
import { messagesStart } from '../../../sessions/messages.ts';
import { writeCnMsg } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

/** True if these bytes are whole messages behind the envelope of a DATA datagram of an id. */
export function rowIsWhole(id: ConnectorId, row: Uint8Array, start = 0): boolean {
  const slab = new Slab(start + frame.DATA_BITMAP + row.length + 8);
  slab.bytes.fill(0xee);
  const length = frame.DATA_BITMAP - frame.ENVELOPE;
  writeCnMsg(slab, start + frame.ENVELOPE_CN, id, 1, 1, length, frame.DATA);
  slab.bytes.set(row, start + frame.DATA_BITMAP);
  const at = messagesStart(slab, start, start + frame.DATA_BITMAP + row.length);
  if (at !== undefined && at !== start + frame.DATA_BITMAP) throw new Error(`they begin at ${at}`);
  return at !== undefined;
}
