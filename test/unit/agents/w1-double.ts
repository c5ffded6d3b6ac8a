import { Slab } from '../../../core/slab.ts';
import { encodeMessage } from '../../../index.ts';
import type { SimulatedNetwork } from '../../../transport/simulated/network.ts';
import type { SimulatedTransport } from '../../../transport/simulated/transport.ts';
import { decodeDatagram } from '../../../transport/wire/datagram.ts';

/** A command as it comes to a bus: its number, and the bytes behind it, to be written into. */
export interface BusCommand {
  readonly code: number;
  readonly data: Buffer;
}

/** What a bus makes of a command: an errno (255: no presence), and data if any is to be sent. */
export interface BusAnswer {
  readonly status: number;
  readonly data?: Uint8Array;
}

/**
 * The kernel's side of w1, written from drivers/w1/w1_netlink.c of Linux 6.1 independently of the
 * client: what it answers, in how many messages, with which seq and ack.
 */
export class W1Double {
  readonly masters: number[] = [];
  /** Slaves that can be selected, in hexadecimal. */
  readonly slaves: Set<string> = new Set();
  /** How many commands came. */
  commands = 0;
  /** Hears of each request before it is answered. */
  asked: () => void = () => {};
  /** Answers the request with this errno as a whole. */
  refusal = 0;
  bus: (command: BusCommand) => BusAnswer = () => ({ status: 0 });
  /** Changes what is sent: gives the payloads to send instead. */
  mangle: (payload: Buffer) => Buffer[] = (payload) => [payload];
  readonly #transport: SimulatedTransport;

  constructor(network: SimulatedNetwork) {
    this.#transport = network.open({ address: 0 });
    this.#transport.start({
      receive: (slab, start, end, { peer }) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        if (!decoded.ok) return;
        const { cn, payload } = decoded.messages[0]!;
        this.asked();
        this.#ask(peer, cn.seq, cn.ack, Buffer.from(payload));
      },
      overrun: () => {},
      received: () => {},
      failed: () => {},
    });
  }

  /** Tells group 3 of a master (0: added... as in w1_netlink.h) or a slave. */
  event(type: number, seq: number, id: Uint8Array): void {
    const message = Buffer.alloc(12);
    message.writeUInt8(type, 0);
    message.set(id, 4);
    const bytes = encodeMessage({ id: { idx: 3, val: 1 }, seq, ack: 0, flags: 0 }, message);
    this.#transport.multicast(new Slab(bytes), 0, bytes.length, 3);
  }

  #ask(peer: number, seq: number, ack: number, payload: Buffer): void {
    const send = (withAck: number, bytes: Buffer): void => {
      for (const mangled of this.mangle(bytes)) this.#send(peer, seq, withAck, mangled);
    };
    for (let at = 0; at < payload.length;) {
      const header = payload.subarray(at, at + 12);
      const body = payload.subarray(at + 12, at + 12 + header.readUInt16LE(2));
      at += 12 + body.length;
      const refuse = (errno: number): void => send(ack, framed(header, errno, Buffer.alloc(0)));
      if (this.refusal !== 0) return refuse(this.refusal);
      if (header[0] === 6) this.#list(header, (bytes) => send((seq + 1) >>> 0, bytes));
      else if (body.length === 0)
        return refuse(71); // EPROTO
      else if (!this.#knows(header))
        refuse(19); // ENODEV, and on to the next
      else this.#run(header, body, ack, (seq + 1) >>> 0, send, peer);
    }
  }

  #knows(header: Buffer): boolean {
    if (header[0] === 4) return this.masters.includes(header.readUInt32LE(4));
    return header[0] === 5 && this.slaves.has(header.subarray(4).toString('hex'));
  }

  #list(header: Buffer, send: (bytes: Buffer) => void): void {
    const chunk = (4096 - 20 - 12) / 4;
    for (let at = 0; ; at += chunk) {
      const part = this.masters.slice(at, at + chunk);
      const data = Buffer.alloc(4 * part.length);
      part.forEach((master, index) => data.writeUInt32LE(master, 4 * index));
      send(framed(header, 0, data));
      if (at + chunk >= this.masters.length) return;
    }
  }

  #run(
    header: Buffer,
    body: Buffer,
    statusAck: number,
    dataAck: number,
    send: (ack: number, bytes: Buffer) => void,
    peer: number,
  ): void {
    for (let at = 0; at < body.length;) {
      const command = body.subarray(at, at + 4);
      const data = body.subarray(at + 4, at + 4 + command.readUInt16LE(2));
      at += 4 + data.length;
      this.commands += 1;
      const answer = this.bus({ code: command[0]!, data });
      // Where the reply buffer is tight, an empty one is sent first (real-kernel §7).
      if (answer.data === undefined) this.#sendEmpty(peer);
      else send(dataAck, framed(header, 0, commanded(command, answer.data)));
      send(statusAck, framed(header, answer.status, commanded(command, Buffer.alloc(0))));
    }
  }

  #send(peer: number, seq: number, ack: number, payload: Buffer): void {
    const bytes = encodeMessage({ id: { idx: 3, val: 1 }, seq, ack, flags: 0 }, payload);
    this.#transport.send(new Slab(bytes), 0, bytes.length, peer);
  }

  #sendEmpty(peer: number): void {
    const zeros = { id: { idx: 0, val: 0 }, seq: 0, ack: 0, flags: 0 };
    const bytes = encodeMessage(zeros, new Uint8Array(0));
    this.#transport.send(new Slab(bytes), 0, bytes.length, peer);
  }
}

function framed(header: Buffer, status: number, data: Uint8Array): Buffer {
  const framed = Buffer.concat([header, data]);
  framed.writeUInt8(status, 1);
  framed.writeUInt16LE(data.length, 2);
  return framed;
}

function commanded(command: Buffer, data: Uint8Array): Buffer {
  const commanded = Buffer.concat([command, data]);
  commanded.writeUInt16LE(data.length, 2);
  return commanded;
}
