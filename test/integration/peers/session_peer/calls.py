"""Calls made: P2.1, P2.2, P6.1, P6.3, P6.5, P6.7, P6.10, P7.1, and their flows of §9."""
import collections
import struct

from flows import ENDED, reply_in, request_out
from wire import (ACCEPTED, CANCEL, M32, MORE, NOTHING, OK, PIECES, REPLY_PIECE, REQUEST, SEND, STREAM,
                  clock, encode, secret)

AT_ONCE = 60_000  # longer values travel in pieces


class Call:
    """What is asked for. `more`, an iterator of values or None: 'nothing to send yet'."""

    def __init__(self, method, value, channel=0, give_up=False, send=False, more=None,
                 stream=False, take_s=0.0, seconds=9.0):
        self.method, self.value, self.channel, self.give_up = method, value, channel, give_up
        self.send, self.more, self.stream, self.take_s = send, more, stream, take_s
        self.seconds, self.values, self.statuses, self.reply = seconds, [], [], None
        self.next_take, self.last, self.cancelled = 0.0, None, False

    def __str__(self):
        return f'{self.method} {str(self.value)[:60]} in channel {self.channel}'


class Caller:
    def __init__(self, session, first_seq, window, value_max):
        self.session, self.next_seq, self.window = session, first_seq, window
        self.value_max, self.unacked, self.open = value_max, {}, {}
        self.positions = collections.Counter()

    def start(self, call):
        """False while the window is full. A call that is given up may leave as a mere CANCEL."""
        if self.next_seq - min(self.unacked.values(), default=self.next_seq) >= self.window:
            return False
        session, seq, ack = self.session, self.next_seq & M32, secret.getrandbits(32)
        self.unacked[seq], self.next_seq = self.next_seq, self.next_seq + 1
        form, data = encode(call.value)
        call.out = request_out(session.put, seq, ack, self.value_max)
        if len(data) > AT_ONCE:
            call.out.put(call.value)
            form, data = PIECES, b''
        form |= (MORE if call.more else 0) | (STREAM if call.stream else 0)
        place = call.channel, self.positions[call.channel]
        self.positions[call.channel] += call.channel > 0
        name = call.method.encode()
        head = struct.pack('=IHBBI', 0, place[0], len(name), form, place[1])
        if call.give_up != 'before':
            self.put(SEND if call.send else REQUEST, seq, ack, head + name + data, call.seconds)
        call.ack, call.seq, call.place = ack, seq, place
        if call.give_up and call.give_up != 'half-way':
            self.cancel(call)
        if not call.give_up or call.channel:
            call.inflow = reply_in(session.put, seq, ack, session.end, session.end.violations)
            self.open[seq] = call
        return True

    def cancel(self, call):
        self.put(CANCEL, call.seq, call.ack, struct.pack('=IHHI', 0, call.place[0], 0, call.place[1]))
        call.out.stopped, call.cancelled = True, True  # P9.7

    def put(self, kind, seq, ack, payload, seconds=0.0):
        message = self.session.put(kind, seq, ack, payload, clock() + seconds)
        message.done = lambda: self.unacked.pop(seq, None)

    def flow(self, kind, seq, ack, payload):
        call = self.open.get(seq)
        if not call or (call.ack if kind == REPLY_PIECE else call.ack) + 1 & M32 != ack:  # P9.3
            return self.session.end.drops.update(['piece-of-none'])
        if kind == REPLY_PIECE:
            call.inflow.piece(payload)
        else:
            call.out.raise_limit(*struct.unpack_from('=I', payload))

    def answered(self, seq, ack, payload):
        call = self.open.get(seq)
        if not call or call.ack + 1 & M32 != ack:
            return self.session.end.drops.update(['unmatched-reply'])
        status, form = payload[:2]
        self.check(call, status, form, payload)
        if status == ACCEPTED:  # again if the SEND came again (P6.4)
            call.statuses = [ACCEPTED]
            return
        pieces = struct.unpack_from('=I', payload, 4)[0] if form & PIECES else 0
        call.reply = status, form & 0x1F, payload[8 if form & PIECES else 4:], pieces
        call.out.stopped = True  # P9.7

    def check(self, call, status, form, payload):
        good = status <= ACCEPTED and form & 0x60 == 0 and form & 0x1F <= NOTHING and \
            (status != ACCEPTED or call.send and call.channel) and payload[2:4] == bytes(2) and \
            (form & 0x1F != NOTHING or len(payload) == (8 if form & PIECES else 4)) and \
            (not call.send or status not in (OK, ACCEPTED) or form == NOTHING)
        if not good:
            self.session.end.violations.append(f'§3: REPLY to {call}: {payload[:40].hex()}')

    def tick(self, now):
        """Sends what there is to send, takes what there is to take; gives the calls that settled."""
        settled = []
        for seq, call in list(self.open.items()):
            if call.give_up == 'half-way' and call.out.position > 0 and not call.cancelled:
                self.cancel(call)
            if call.more and call.out.idle and not call.out.stopped:
                value = next(call.more, ENDED)
                if value is ENDED:
                    call.out.end()
                    call.more = None
                elif value is not None:
                    call.out.put(value)
            while call.stream and call.next_take <= now and call.inflow.values:
                call.values.append(call.inflow.take())
                call.next_take = now + call.take_s
            if self.complete(call):
                del self.open[seq]
                settled.append(call)
        return settled

    def complete(self, call):
        if call.reply is None or call.reply[3] > call.inflow.next and not call.give_up:
            return False
        status, form, data, pieces = call.reply
        if call.give_up:  # what came in its flows was let go (P9.7)
            call.statuses.append(status)
            return True
        if pieces != call.inflow.next or call.inflow.joining:
            self.session.end.violations.append(f'P9.1: {pieces} of {call.inflow.next} pieces')
        if call.stream and call.inflow.values:
            return False
        if not call.stream and pieces and status == OK:
            form, data = call.inflow.take()
            if call.inflow.values:
                self.session.end.violations.append('P9.5: more than one value')
        if call.stream and status == OK and form != NOTHING:  # P9.5: it is the last value
            call.values.append((form, data))
            form, data = NOTHING, b''
        call.statuses.append(status)
        call.last = form, data
        return True
