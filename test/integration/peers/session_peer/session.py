"""§5: the datagrams of a session, either end."""
import struct

from calls import Caller
from service import Service
from wire import (CANCEL, CLOSE, DATA, M32, REPLY, REPLY_CREDIT, REPLY_PIECE, REQUEST, REQUEST_CREDIT,
                  REQUEST_PIECE, SEND, clock, cn_msg, datagram, secret, truesize)

NUMBERS, GRANT, BUNDLE, GRAIN = 512, 100_000, 4000, 0.001


class Message:
    """A message, which is sent until a datagram with it is acknowledged."""

    def __init__(self, kind, seq, ack, payload, until=9e9):
        self.kind, self.seq, self.ack, self.payload = kind, seq, ack, payload
        self.until, self.sent_at, self.delivered, self.done = until, 0.0, False, lambda: None

    def encode(self, ident, now):
        if self.kind in (REQUEST, SEND):  # P6.6: the budget at this transmission
            left = max(0, min(M32, int((self.until - now) * 1e6)))
            self.payload = struct.pack('=I', left) + self.payload[4:]
        self.sent_at = now
        return cn_msg(ident, self.seq, self.ack, self.kind, self.payload)


class Session:
    """`mine` and `peer` are fields of the OPEN and the OPENED."""

    def __init__(self, end, address, mine, peer, rtt):
        self.end, self.address, self.closing, self.ended = end, address, None, False
        self.number, self.tag, self.next, first_seq = mine
        (self.peer_number, self.peer_tag, high, low, self.base, peer_seq, self.grant,
         window, value_max, credit) = peer
        self.incarnation, self.first, self.peer_first = (high, low), self.next, self.base
        self.had, self.highest, self.highest_at = {}, self.base - 1, 0.0  # had: number -> bytes
        self.sent, self.queue, self.late, self.fruitless = {}, [], 0, 0
        self.srtt, self.rttvar, self.ack_due, self.progress = rtt, rtt / 2, M32, clock()
        self.caller = Caller(self, first_seq, window, value_max)
        self.service = Service(self, peer_seq, credit, value_max)

    def put(self, kind, seq, ack, payload, until=9e9):
        message = Message(kind, seq, ack & M32, payload, until)
        self.queue.append(message)
        return message

    # Sending: P5.1, P5.2, P5.4, P5.8 to P5.10

    def transmit(self, messages, now):
        number = self.next
        bits = sum(1 << (n - self.base) for n in self.had if n >= self.base)  # P5.4
        words = [bits >> shift & M32 for shift in range(0, bits.bit_length(), 32)]
        waited = int((now - self.highest_at) * 1e6) if self.highest_at else 0
        envelope = struct.pack(
            f'=9I2H{len(words)}I', 0x636E7201, self.peer_number, 0, self.number, number >> 32,
            min(self.sent, default=number) & M32, self.base & M32, waited & M32, GRANT,
            self.late & 0xFFFF, 0, *words)
        data = datagram(cn_msg(self.end.ident, number & M32, self.peer_tag, DATA, envelope),
                        *(message.encode(self.end.ident, now) for message in messages))
        if not self.end.link.send(data, (self.address, 0)):
            return False  # P5.9: the number was not used
        self.next, self.ack_due = number + 1, M32
        if messages:
            self.sent[number], self.progress = (now, messages, truesize(len(data))), now
        return True

    def flush(self, now):
        while self.queue and self.next - min(self.sent, default=self.next) < NUMBERS:  # P5.2
            size, count = 140 + len(self.queue[0].payload), 1
            while count < len(self.queue) and size < BUNDLE:
                size, count = size + 24 + len(self.queue[count].payload), count + 1
            used = sum(cost for _, _, cost in self.sent.values())
            if used and used + truesize(size) > self.grant or \
                    not self.transmit(self.queue[:count], now):  # P5.9
                break
            self.queue = self.queue[count:]
        if self.ack_due <= now:
            self.transmit([], now)

    def patience(self):  # P5.8
        wait = self.srtt + max(4 * self.rttvar, GRAIN) + min(0.025, max(self.srtt / 8, GRAIN))
        kinds = {message.kind for entry in self.sent.values() for message in entry[1]}
        wait += self.srtt if kinds == {REPLY} and not self.fruitless else 0
        return min(max(8 * wait, 0.01), wait * 1.25 ** min(60, max(0, self.fruitless - 2)))

    def tick(self, now):
        """Does what is due; returns when to come again."""
        if self.sent and self.progress + self.patience() <= now:
            if self.closing == 'sent' and self.fruitless == 3:  # P7.3
                return self.finish('forgotten')
            self.fruitless, self.progress = self.fruitless + 1, now
            if self.next - min(self.sent) < NUMBERS:
                oldest = [m for m in self.sent[min(self.sent)][1] if not m.delivered]
                self.transmit(oldest[:1] if self.fruitless > 16 else oldest, now)
        busy = self.service.tick(now)
        if self.closing == 'wanted' and not (self.sent or self.queue or busy or self.caller.open):
            self.closing = 'sent'
            self.put(CLOSE, 0, secret.getrandbits(32), b'')
        self.flush(now)
        return min(now + 0.005 if self.queue else M32, self.ack_due, now + 0.002 if busy else M32,
                   self.progress + self.patience() if self.sent else M32)

    # Receiving: P5.3 to P5.7

    def receive(self, now, low, data, parts):
        high, floor, base, delay, grant, _, zero = struct.unpack_from('=5I2H', parts[0][4], 16)
        bitmap, number = int.from_bytes(parts[0][4][40:], 'little'), high << 32 | low
        floor = number - (low - floor & M32)
        base = self.next + ((base - self.next + 0x80000000 & M32) - 0x80000000)
        if self.had.get(number, data) != data or zero or len(parts[0][4]) > 104:
            self.end.violations.append(f'P5.1, §3: number {number} used twice, or the envelope')
        if number - floor >= NUMBERS or floor < self.peer_first:
            return self.end.violations.append(f'P5.2: number {number}, floor {floor}')
        if not self.first <= base <= base + bitmap.bit_length() <= self.next:
            return self.end.violations.append(f'P5.5: base {base} {bitmap:x}, next {self.next}')
        if number <= self.highest - NUMBERS or number in self.had:
            return self.end.drops.update(['duplicate'])
        self.late += number < self.base
        if len(parts) > 1:  # P5.6
            wait = min(0.025, max(self.srtt / 8, GRAIN)) if number == self.highest + 1 else 0
            self.ack_due = min(self.ack_due, now + wait)
        if number > self.highest:
            self.highest, self.highest_at, self.grant = number, now, grant
        self.had[number] = data
        self.had = {n: data for n, data in self.had.items() if n > self.highest - NUMBERS}
        self.base = max(self.base, floor)
        while self.base in self.had:
            self.base += 1
        newly = [n for n in self.sent if n < base or bitmap >> (n - base) & 1]
        if newly:
            self.acknowledged(now, newly, base + bitmap.bit_length() - 1, delay)
        for _, seq, ack, kind, payload in parts[1:]:
            self.dispatch(now, kind, seq, ack, payload)

    def dispatch(self, now, kind, seq, ack, payload):
        if kind == REPLY:
            self.caller.answered(seq, ack, payload)
        elif kind in (REPLY_PIECE, REQUEST_CREDIT):
            self.caller.flow(kind, seq, ack, payload)
        elif kind in (REQUEST_PIECE, REPLY_CREDIT):
            self.service.flow(kind, seq, ack, payload)
        elif kind in (REQUEST, SEND, CANCEL):
            self.service.serve(now, kind, seq, ack, payload)
        elif kind == CLOSE and not self.ended:  # P7.4
            self.transmit([], now)
            self.finish('close-received')

    def acknowledged(self, now, newly, highest, delay):
        if max(newly) == highest:  # RFC 6298
            rtt = max(1e-5, now - self.sent[highest][0] - delay / 1e6)
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        self.progress, self.fruitless = now, 0
        for message in [message for n in newly for message in self.sent.pop(n)[1]]:
            if not message.delivered:
                message.delivered = True
                message.done()
            if message.kind == CLOSE:
                return self.finish('close-acknowledged')
        lost = [n for n in self.sent if n < max(newly)]  # P5.7, FIFO
        again = [message for n in lost for message in self.sent.pop(n)[1]]
        self.queue = [m for m in dict.fromkeys([*again, *self.queue]) if not m.delivered]
        self.sent = {n: entry for n, entry in self.sent.items()
                     if not all(message.delivered for message in entry[1])}

    def finish(self, how):
        if not self.ended:
            self.ended = True
            self.end.sessions.pop(self.number, None)
            self.end.ended[how] += 1
            self.service.ended()
        return M32
