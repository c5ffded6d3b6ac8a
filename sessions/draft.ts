import type { Payload } from './payload.ts';
import type { Copies } from '../core/copies.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { CN_MSG_HEADER } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** What a call says and how long it may wait to be sent; of no use any more once it is encoded. */
export class Draft {
  /** The method's name, UTF-8. */
  readonly method: Uint8Array;
  readonly format: number;
  /** The name of its FIFO channel; undefined: unordered. */
  readonly channel: string | undefined;
  /** When the call expires, in clock time; Infinity: never. */
  expires: number = Infinity;
  /** When it is refused as busy if it has not been sent, in clock time, no later than that. */
  sendBy: number = Infinity;
  #bytes: Uint8Array;
  #owned = false;

  constructor(method: Uint8Array, channel: string | undefined, { format, bytes }: Payload) {
    this.method = method;
    this.channel = channel;
    this.format = format;
    this.#bytes = bytes;
  }

  /** The payload. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Makes it independent of its caller's bytes: it is not encoded before this turn ends. */
  own(copies: Copies): void {
    if (this.#owned) return;
    this.#owned = true;
    this.#bytes = copies.of(this.#bytes, 0, this.#bytes.length);
  }

  /** Reads again what was encoded: a REQUEST or SEND with a payload of `length` bytes. */
  static read(request: Outgoing, length: number, channel: string | undefined): Draft {
    const { view, bytes } = request.slab;
    const at = request.at + CN_MSG_HEADER;
    const methodAt = at + frame.REQUEST_HEADER;
    const payloadAt = methodAt + view.getUint8(at + frame.REQUEST_METHOD_LENGTH);
    const draft = new Draft(bytes.subarray(methodAt, payloadAt), channel, {
      format: view.getUint8(at + frame.REQUEST_FORMAT) & frame.FORMAT_MASK,
      bytes: bytes.subarray(payloadAt, payloadAt + length),
    });
    draft.#owned = true;
    return draft;
  }
}
