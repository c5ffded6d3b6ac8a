"""§9: the two flows of pieces that each request has."""
import collections
import struct

from wire import (FLOW_ENDED, GOES_ON, M32, NOTHING, REPLY_CREDIT, REPLY_PIECE, REQUEST_CREDIT,
                  REQUEST_PIECE, encode)

PIECE, LEAST_PIECE = 12_000, 1024
ENDED = object()  # what take() gives once a flow has ended


def cost(data):  # P9.6
    return len(data) + 64


class Outflow:
    """What this side sends in one flow: as much as the receiver's limit allows."""

    def __init__(self, queue, kind, seq, ack, limit, peer_value_max):
        self.queue, self.kind, self.seq, self.ack, self.limit = queue, kind, seq, ack & M32, limit
        self.spent, self.position, self.values = 0, 0, collections.deque()
        self.value_max, self.stalls, self.stopped = peer_value_max, 0, False

    def put(self, value):
        form, data = encode(value)
        assert len(data) <= self.value_max, 'P9.2'
        self.values.append((form, data, 0))
        self.flush()

    def end(self):
        self.values.append((NOTHING, b'', FLOW_ENDED))
        self.flush()

    def raise_limit(self, limit):  # modulo 2^32, the highest counts
        self.limit += max(0, (limit - self.limit + 0x80000000 & M32) - 0x80000000)
        self.flush()

    def flush(self):
        while self.values and not self.stopped:
            form, data, flags = self.values[0]
            room = self.limit - self.spent - 64
            if room < min(len(data), LEAST_PIECE):
                self.stalls += 1
                return
            part, rest = data[:min(room, PIECE)], data[min(room, PIECE):]
            flags |= GOES_ON if rest else 0
            self.queue(self.kind, self.seq, self.ack,
                       struct.pack('=IBBH', self.position & M32, form, flags, 0) + part)
            self.spent, self.position = self.spent + cost(part), self.position + 1
            if rest:
                self.values[0] = form, rest, 0
            else:
                self.values.popleft()

    @property
    def idle(self):
        return self.stopped or not self.values


class Inflow:
    """What comes in one flow. Checks that the sender keeps P9.2 to P9.6."""

    def __init__(self, queue, kind, seq, ack, credit, limit, value_max, violations):
        self.queue, self.kind, self.seq, self.ack = queue, kind, seq, ack & M32
        self.credit, self.limit, self.value_max, self.violations = credit, limit, value_max, violations
        self.pieces, self.next, self.came, self.taken = {}, 0, 0, 0
        self.joining, self.values, self.ended, self.most = [], collections.deque(), False, 0

    def piece(self, payload):
        low, form, flags, zero = struct.unpack_from('=IBBH', payload)
        part = payload[8:]
        position = self.next + ((low - self.next + 0x80000000 & M32) - 0x80000000)
        if zero or form > NOTHING or flags > 3 or flags & 2 and (flags & 1 or part):
            self.violations.append(f'§3: piece {position} with format {form}, flags {flags}, {zero}')
        if position < self.next or position in self.pieces:
            if self.pieces.get(position, (form, flags, part)) != (form, flags, part):
                self.violations.append(f'P9.4: piece {position} twice, and not the same')
            return
        self.pieces[position] = form, flags, part
        self.came += cost(part)
        if self.came > self.limit:
            self.violations.append(f'P9.6: {self.came} came in a flow with limit {self.limit}')
        while self.next in self.pieces:
            self.join(*self.pieces.pop(self.next))
            self.next += 1
        self.most = max(self.most, sum(map(cost, self.joining)) + sum(c for *_, c in self.values))
        self.raise_limit()

    def join(self, form, flags, part):
        if self.ended or flags & FLOW_ENDED and self.joining:
            self.violations.append('P9.1: a piece after the end, or an end within a value')
        if flags & FLOW_ENDED:
            self.ended = True
            return
        self.joining.append(part)
        if flags & GOES_ON:
            return
        data, spent = b''.join(self.joining), sum(map(cost, self.joining))
        if len(data) > self.value_max:
            self.violations.append(f'P9.2: a value of {len(data)} bytes')
        self.joining = []
        self.values.append((form, data, spent))

    def raise_limit(self):  # P9.6
        to = self.credit + self.taken + sum(map(cost, self.joining))
        if to - self.limit >= self.credit / 2 and not self.ended:
            self.limit = to
            self.queue(self.kind, self.seq, self.ack, struct.pack('=I', to & M32))

    def take(self):
        """(format, bytes) of the next value, ENDED, or None if there is none yet."""
        if not self.values:
            return ENDED if self.ended else None
        form, data, spent = self.values.popleft()
        self.taken += spent
        self.raise_limit()
        return form, data


def request_out(queue, seq, ack, value_max):
    return Outflow(queue, REQUEST_PIECE, seq, ack, 0, value_max)


def reply_out(queue, seq, ack, credit, value_max):
    return Outflow(queue, REPLY_PIECE, seq, ack + 1, credit, value_max)


def request_in(queue, seq, ack, mine, violations):
    flow = Inflow(queue, REQUEST_CREDIT, seq, ack + 1, mine.credit, 0, mine.value_max, violations)
    flow.raise_limit()
    return flow


def reply_in(queue, seq, ack, mine, violations):
    return Inflow(queue, REPLY_CREDIT, seq, ack, mine.credit, mine.credit, mine.value_max, violations)
