import { faultsIn, type Fault } from './fault.ts';

/** Faults of long values, streams and one-way messages. */
export const flowFaults: readonly Fault[] = [
  ...faultsIn(
    'reliability/inflow.js',
    ['property/flow', 'simulation/streams'],
    [
      [
        'a piece that came twice is taken twice',
        'if (position < this.#next || this.#held.has(position))',
        'if (position < this.#next)',
      ],
      [
        'an old piece is taken again',
        'if (position < this.#next || this.#held.has(position))',
        'if (this.#held.has(position))',
      ],
      [
        'pieces are joined as they come',
        'let next = this.#pull(); next !== undefined;',
        'let next = piece; next !== undefined;',
      ],
      [
        'a piece costs nothing but its bytes',
        'const cost = piece.bytes.length + PIECE_COST;',
        'const cost = piece.bytes.length;',
      ],
      [
        'what was not granted is taken',
        'if (least > this.#granted || this.#ended)',
        'if (this.#ended)',
      ],
      [
        'a gap costs nothing',
        'Math.max(this.#receivedCost + cost, (position + 1) * PIECE_COST)',
        'this.#receivedCost + cost',
      ],
      ['a value may be of any length', 'if (this.#partBytes > this.#valueMax)', 'if (false)'],
      ['the parts of a value stay', 'this.#parts.length = 0;', ''],
      [
        'a value in parts ends with its first',
        'if ((flags & PIECE_CONTINUES) !== 0)',
        'if (false)',
      ],
      ['the end is not noticed', 'this.#ended = true;', ''],
      ['the end stays counted', 'this.#takenCost += bytes.length + PIECE_COST;', ''],
      [
        'credit is given before anything is taken',
        'this.#takenCost + this.#joiningCost + this.#window',
        'this.#receivedCost + this.#window',
      ],
      ['what was taken gives no credit', 'this.#takenCost += value.cost;', ''],
      [
        'a long value gets no credit',
        'this.#takenCost + this.#joiningCost + this.#window',
        'this.#takenCost + this.#window',
      ],
      ["the bytes of a piece are the slab's", 'bytes: piece.bytes.slice()', 'bytes: piece.bytes'],
    ],
  ),
  ...faultsIn(
    'reliability/outflow.js',
    ['property/flow', 'simulation/streams'],
    [
      ['credit is not heeded', 'if (this.#sent + length + PIECE_COST > this.#limit)', 'if (false)'],
      [
        'an older credit takes some back',
        'Math.max(this.#limit, widen(limit, this.#limit))',
        'widen(limit, this.#limit)',
      ],
      ['every piece has the same position', 'this.#position += 1;', ''],
      ['every piece ends its value', 'length < left ? PIECE_CONTINUES : 0', '0'],
      ['each piece begins anew', 'this.#at += length;', ''],
    ],
  ),
  ...faultsIn(
    'sessions/flow.js',
    ['simulation/streams', 'simulation/values'],
    [
      [
        'what was taken back is sent all the same',
        'piece; piece = this.#pieces.shift()) piece.withdraw();',
        'piece; piece = this.#pieces.shift()) ;',
      ],
      [
        'a taken value stays counted',
        'if (value === undefined) return undefined; this.#hold(this.#in.cost - before);',
        'if (value === undefined) return undefined;',
      ],
      ['what nobody takes stays counted', 'this.#hold(0 - this.#in.cost);', ''],
      ['nothing becomes a double', 'this.#hold(0 - this.#in.cost);',
        'this.#hold(-this.#in.cost);', 'unit/sessions/minus-zero'],
      ['nothing bounds all flows together', 'this.#link.held.makeRoom()', 'true'],
      ['nobody is told of credit', 'carrier.enqueue(this.#credit);', ''],
      [
        'nothing but credit holds a flow back',
        'this.#pieceBytes < this.#link.resources.limits.creditMax',
        'true',
        'simulation/backlog',
      ],
      ['a writer is never told that nobody takes', 'next.cut(false);', ''],
    ],
  ),
  ...faultsIn(
    'sessions/responder.js',
    ['simulation/one-way', 'simulation/values'],
    [
      ['a one-way message is not accepted',
        'if (!plain && incoming.oneWay && incoming.whole)', 'if (false)'],
      [
        'what was accepted dies with its session',
        'if (incoming.accepted && runsOn) { incoming.reply?.withdraw();',
        'if (false) { incoming.reply?.withdraw();',
      ],
      [
        'what stands behind a gap waits for ever',
        'this.#refusals.end(); this.#lanes.closeGaps();',
        'this.#refusals.end();',
      ],
      [
        'a reply is forgotten before its pieces are there',
        'if (incoming.flow?.closed === false && !incoming.flow.settled)',
        'if (false)',
      ],
      [
        'the values of a request are asked for by nobody',
        'this.flow(incoming).grant();',
        'this.flow(incoming);',
      ],
    ],
  ),
  ...faultsIn(
    'sessions/lanes.js',
    ['simulation/one-way', 'simulation/values'],
    [
      [
        'a request runs before its value is whole',
        'if (incoming.whole) this.#ready.push(incoming);',
        'this.#ready.push(incoming);',
      ],
      ['a request with a long value never runs', 'if (incoming.due)', 'if (false)'],
    ],
  ),
  ...faultsIn(
    'sessions/caller.js',
    ['simulation/streams', 'simulation/values'],
    [
      [
        'a reply does not wait for its pieces',
        'if (call.flow?.received !== pieces)',
        'if (false)',
        'simulation/values',
      ],
      ['a long value goes to a peer that takes less', "return 'too-big';", ''],
      [
        'pieces of any ack are taken',
        "if (classify(call.message, genes) !== 'reply') return false; call.flow",
        'call.flow',
        'simulation/hostile',
      ],
      [
        'the flow of a call given up stays',
        'request.withdraw(); call.flow?.discard();',
        'request.withdraw();',
      ],
    ],
  ),
  ...faultsIn(
    'sessions/flow-room.js',
    ['property/flow-room', 'simulation/hoarders', 'simulation/fair'],
    [
      [
        'one session may hold the values of all',
        'this.#cost <= this.#room.free',
        'this.#room.free >= 0',
      ],
      ['nobody makes room for who holds little', 'if (this.#cost > room.equalPart)', 'if (true)'],
      ['who holds much has others give way', 'if (this.#cost > room.equalPart)', 'if (false)'],
      ['who holds least gives way', 'share.cost > largest.cost', 'share.cost < largest.cost'],
      [
        'all that somebody holds is given up',
        'if (other.#fits() || this.#cost <= other.#cost)',
        'if (false)',
      ],
    ],
  ),
  ...faultsIn(
    'sessions/calling.js',
    ['simulation/idempotent'],
    [
      [
        'an idempotent call runs twice in one process',
        'if (made.mayHaveRunIn(session.incarnation))',
        'if (false)',
      ],
    ],
  ),
];
