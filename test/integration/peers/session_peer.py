#!/usr/bin/env python3
"""A session peer over NETLINK_USERSOCK, written from docs/PROTOCOL.md alone (Python 3.9 or later).

  session_peer.py client --to PORTID --id IDX:VAL ...      calls `echo`, `fail`, `absent`; closes
  session_peer.py server --portid PORTID --id IDX:VAL ...  serves `echo` and `fail` until SIGTERM

The server says "ready" on stderr. Both print one line of JSON at the end: what happened, and under
`violations` what the other side did against the specification. The network may be made worse than
netlink is (--drop and so on): for what is sent, or --both-ways. Nothing outlasts --deadline."""
import argparse, collections, heapq, json, random, select, signal, socket, struct, sys, time

MAGIC, M32 = 0x636E7201, 0xFFFFFFFF
OPEN, OPENED, REFUSED, RESET, DATA = range(0x8001, 0x8006)  # §3
REQUEST, REPLY, CANCEL, CLOSE, PING = range(0x8011, 0x8016)
LEAST = {OPEN: 52, OPENED: 52, REFUSED: 28, RESET: 28, DATA: 40}
LEAST_MESSAGE = {REQUEST: 12, REPLY: 4, CANCEL: 12, CLOSE: 0, PING: 0}
BYTES, JSON, NOTHING = range(3)
OK, FAILED, NO_METHOD, EXPIRED, CLOSED = 0, 1, 2, 4, 5
NUMBERS, WINDOW, GRANT, BUNDLE, GRAIN = 512, 256, 100_000, 4000, 0.001
VALUE_MAX, CREDIT = 60_000, 4096  # short enough that nothing comes in pieces
secret, clock = random.SystemRandom(), time.monotonic

def padded(data):
    return data + bytes(-len(data) % 4)

def cn_msg(ident, seq, ack, flags, payload):
    return struct.pack('=4I2H', *ident, seq, ack & M32, len(payload), flags) + payload

def datagram(*parts):  # P1.1, P1.3
    body = b''.join(map(padded, parts[:-1])) + parts[-1]
    seq = struct.unpack_from('=I', body, 8)[0]
    return padded(struct.pack('=I2H2I', 16 + len(body), 3, 0, seq, 0) + body)

def parse(data):
    """[(id, seq, ack, kind, payload), ...] of a session datagram; it must keep P1.1 to P3.3."""
    length, *header = struct.unpack_from('=I2H2I', data)
    parts, end, at, least, good = [], 0, 16, LEAST, True
    while at + 20 <= length <= len(data):
        *ident, seq, ack, size, kind = struct.unpack_from('=4I2H', data, at)
        end, at = at + 20 + size, at + 20 + size + -size % 4
        parts.append((ident, seq, ack, kind, data[end - size:end]))
        good = good and ident == parts[0][0] and size >= least.get(kind, 1 << 16)
        least = LEAST_MESSAGE if parts[0][3] == DATA else {}
    # Netlink keeps bytes intact, hence checksum 0. Whether nlmsg_len counts the last message's
    # padding is not said: either will do.
    if not (good and parts and length in (end, at) and len(data) == at and not any(data[end:]) and
            header == [3, 0, parts[0][1], 0] and
            struct.unpack_from('=I4xI', data, 36) == (MAGIC, 0)):
        raise ValueError(f'P1.1, §3: {len(data)} bytes, readable to {end}: {data[:48].hex()}')
    return parts

def truesize(size):  # KF 6.1
    need = -(-size // 64) * 64 + 320
    return (need if need > 4096 else max(1024, 1 << (need - 1).bit_length())) + 256

def encode(value):
    if value is None or isinstance(value, bytes):
        return (NOTHING, b'') if value is None else (BYTES, value)
    return JSON, json.dumps(value, ensure_ascii=False, separators=(',', ':')).encode()

def decode(form, data):
    return {BYTES: bytes, JSON: json.loads, NOTHING: lambda _: None}[form](data)

class Link:
    """A netlink socket, and between it and the protocol a network that is as bad as asked for."""

    def __init__(self):
        self.past, self.later, self.rng = [], [], random.Random(options.seed)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.socket.setblocking(False)
        self.socket.bind((options.portid, 0))

    def delays(self):
        """Of the copies of one datagram that arrive."""
        chance = self.rng.random
        copies = 0 if chance() < options.drop else 2 if chance() < options.duplicate else 1
        return [chance() * options.delay_ms / 1000 if chance() < options.reorder else 0.0
                for _ in range(copies)]

    def put(self, delay, *what):
        heapq.heappush(self.later, (clock() + delay, secret.random(), *what))

    def send(self, data, address):
        """False if the queue was full: then nothing was sent."""
        self.past = [*self.past[-400:], (data, address)]
        if self.rng.random() < options.replay:
            self.put(self.rng.random() * 0.01, self.write, *self.rng.choice(self.past))
        delays = self.delays()
        for delay in filter(None, delays):
            self.put(delay, self.write, data, address)
        return all([self.write(data, address) for delay in delays if not delay])

    def write(self, data, address):
        try:
            return self.socket.sendto(data, (address, 0)) > 0
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)  # nobody there: as good as lost

    def receive(self, until, take):
        until = min(until, self.later[0][0] if self.later else until)
        while select.select([self.socket], [], [], max(0.0, until - clock()))[0]:
            data, (source, _groups) = self.socket.recvfrom(1 << 17)
            for delay in self.delays() if options.both_ways else [0.0]:
                self.put(delay, take, data, source)
            until = 0.0
        while self.later and self.later[0][0] <= clock():
            _, _, then, data, address = heapq.heappop(self.later)
            then(data, address)

class Message:
    """A message, which is sent until a datagram with it is acknowledged."""

    def __init__(self, kind, seq, ack, payload):
        self.kind, self.seq, self.ack, self.payload = kind, seq, ack, payload
        self.until, self.sent_at, self.delivered = clock() + 9, 0.0, False

    def encode(self, ident, now):
        if self.kind == REQUEST:  # P6.6: the budget at this transmission
            left = max(0, int((self.until - now) * 1e6))
            self.payload = struct.pack('=I', left) + self.payload[4:]
        self.sent_at = now
        return cn_msg(ident, self.seq, self.ack, self.kind, self.payload)

class Session:
    """§5 to §7, either end. `mine` and `peer` are fields of the OPEN and the OPENED."""

    def __init__(self, end, address, mine, peer, rtt):
        self.end, self.address, self.closing, self.ended = end, address, None, False
        self.number, self.tag, self.next, self.next_seq = mine
        (self.peer_number, self.peer_tag, high, low, self.base, self.peer_seq, self.grant,
         self.window, *_) = peer
        self.incarnation, self.first, self.peer_first = (high, low), self.next, self.base
        self.had, self.highest, self.highest_at = {}, self.base - 1, 0.0  # had: number -> bytes
        self.sent, self.queue, self.late, self.fruitless = {}, [], 0, 0
        self.srtt, self.rttvar, self.ack_due, self.progress = rtt, rtt / 2, M32, clock()
        self.open, self.unacked, self.positions = {}, {}, collections.Counter()  # calls made
        self.seen, self.known, self.cancelled = set(), {}, set()  # calls served
        self.channels, self.replies = {}, {}

    # Sending: P5.1, P5.2, P5.4, P5.8 to P5.10

    def transmit(self, messages, now):
        number = self.next
        bits = sum(1 << (n - self.base) for n in self.had if n >= self.base)  # P5.4
        words = [bits >> shift & M32 for shift in range(0, bits.bit_length(), 32)]
        waited = int((now - self.highest_at) * 1e6) if self.highest_at else 0
        envelope = struct.pack(
            f'=9I2H{len(words)}I', MAGIC, self.peer_number, 0, self.number, number >> 32,
            min(self.sent, default=number) & M32, self.base & M32, waited & M32, GRANT,
            self.late & 0xFFFF, 0, *words)
        data = datagram(cn_msg(self.end.ident, number & M32, self.peer_tag, DATA, envelope),
                        *(message.encode(self.end.ident, now) for message in messages))
        if not self.end.link.send(data, self.address):
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
        return min(5.0, wait * 1.5 ** max(0, self.fruitless - 2))

    def tick(self, now):
        """Does what is due; returns when to come again."""
        if self.sent and self.progress + self.patience() <= now:
            if self.closing == 'sent' and self.fruitless == 3:  # P7.3
                return self.finish('forgotten')
            self.fruitless, self.progress = self.fruitless + 1, now
            if self.next - min(self.sent) < NUMBERS:
                self.transmit([m for m in self.sent[min(self.sent)][1] if not m.delivered], now)
        if self.closing == 'wanted' and not (self.sent or self.queue):
            self.closing = 'sent'
            self.queue.append(Message(CLOSE, 0, secret.getrandbits(32), b''))
        self.flush(now)
        return min(now + 0.005 if self.queue else M32, self.ack_due,
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
            if kind == REPLY:
                self.answered(seq, ack, payload)
            elif kind in (REQUEST, CANCEL):
                self.serve(now, kind, seq, ack, payload)
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
            message.delivered = True
            if message.kind == CLOSE:
                return self.finish('close-acknowledged')
            (self.replies if message.kind == REPLY else self.unacked).pop(message.seq, None)
        lost = [n for n in self.sent if n < max(newly)]  # P5.7, FIFO
        again = [message for n in lost for message in self.sent.pop(n)[1]]
        self.queue = [m for m in dict.fromkeys([*again, *self.queue]) if not m.delivered]
        self.sent = {n: entry for n, entry in self.sent.items()
                     if not all(message.delivered for message in entry[1])}

    # Calls made: P2.1, P2.2, P6.1, P6.3, P6.5, P6.7

    def call(self, method, value, channel, give_up, then):
        """False while the window is full. A call that is given up may leave as a mere CANCEL."""
        if self.next_seq - min(self.unacked.values(), default=self.next_seq) >= self.window:
            return False
        seq, ack, (form, data) = self.next_seq & M32, secret.getrandbits(32), encode(value)
        self.unacked[seq], self.next_seq = self.next_seq, self.next_seq + 1
        head = struct.pack('=IHBBI', 0, channel, len(method), form, self.positions[channel])
        self.positions[channel] += channel > 0
        if give_up != 'before':
            self.queue.append(Message(REQUEST, seq, ack, head + method.encode() + data))
        if give_up:
            self.queue.append(Message(CANCEL, seq, ack, head[:6] + bytes(2) + head[8:]))
        else:
            self.open[seq] = ack + 1 & M32, then
        return True

    def answered(self, seq, ack, payload):
        if seq not in self.open or self.open[seq][0] != ack:
            return self.end.drops.update(['unmatched-reply'])
        self.open.pop(seq)[1](payload[0], payload[1], payload[4:])

    # Calls served: P6.2, P6.4, P6.6, P6.7, P7.1, P7.3. The handlers answer at once.

    def serve(self, now, kind, seq, ack, payload):
        budget, channel, size, form, position = struct.unpack_from('=IHBBI', payload)
        if self.known.setdefault(seq, (ack, channel, position)) != (ack, channel, position):
            self.end.violations.append(f'P2.1, P7.1: seq {seq} with another ack or position')
        if kind == CANCEL:
            self.cancelled.add(seq)
        ahead = seq - self.peer_seq & M32
        if seq in self.seen or ahead >> 31:
            kept = self.replies.get(seq)  # P6.4
            if kept and kept not in self.queue and now - kept.sent_at >= self.srtt:
                self.queue.append(kept)
            return self.end.drops.update(['repeated-request'])
        if ahead >= WINDOW:
            return self.end.violations.append(f'P6.3: seq {seq}, oldest unseen {self.peer_seq}')
        self.seen.add(seq)
        while self.peer_seq in self.seen:
            self.seen.remove(self.peer_seq)
            self.peer_seq = self.peer_seq + 1 & M32
        job = (seq, ack, channel, payload[12:12 + size].decode(), form, payload[12 + size:],
               now + (budget / 1e6 if budget != M32 else 1e9))
        if channel == 0:
            return self.run(now, *job)
        line = self.channels.setdefault(channel, {'next': 0})
        if position < line['next'] or line.setdefault(position, job) is not job:
            self.end.violations.append(f'P7.1: channel {channel}, position {position} again')
        while line['next'] in line:
            line['next'] += 1
            self.run(now, *line.pop(line['next'] - 1))

    def run(self, now, seq, ack, channel, method, form, data, until):
        if seq in self.cancelled and not channel:
            return
        status = (EXPIRED if seq in self.cancelled or until < now else CLOSED if self.closing else
                  {'echo': OK, 'fail': FAILED}.get(method, NO_METHOD))
        value = None if status != FAILED else {'message': 'as you wish'}
        if status in (OK, FAILED):
            self.end.executions[self.number, seq] += 1
        if status == OK:
            value = decode(form, data)
            self.end.order[channel].append(value['n'] if isinstance(value, dict) else None)
        form, data = encode(value)
        data = struct.pack('=BBH', status, form, 0) + data
        self.replies[seq] = Message(REPLY, seq, ack + 1, data)
        self.queue.append(self.replies[seq])

    def finish(self, how):
        self.end.sessions.pop(self.number, None)
        self.end.ended[how] += 1
        self.ended = True
        return M32

class Endpoint:
    """§4: opening, either end; and the loop."""

    def __init__(self):
        self.link, self.ident = Link(), [*map(int, options.id.split(':'))]
        self.incarnation, self.seq = struct.unpack('=2I', secret.randbytes(8)), 0
        self.sessions, self.offers, self.opening, self.violations = {}, {}, {}, []
        self.ended, self.executions, self.drops = (collections.Counter() for _ in range(3))
        self.order, self.last = collections.defaultdict(list), secret.getrandbits(16)
        self.stop = clock() + options.deadline

    def send(self, kind, seq, ack, address, *fields):
        payload = struct.pack(f'={len(fields) + 1}I', MAGIC, *fields)
        self.link.send(datagram(cn_msg(self.ident, seq, ack, kind, payload)), address)

    def offer(self, kind, seq, ack, address, receiver, mine):
        self.send(kind, seq, ack, address, receiver, 0, *mine[:2], *self.incarnation, *mine[2:],
                  GRANT, WINDOW, VALUE_MAX, CREDIT)

    def mine(self):
        """Session, tag, first number and first seq, of which the latter two soon wrap."""
        self.last, low = self.last + 1, secret.randint(1, 60)
        return self.last, secret.getrandbits(32), 2 ** 32 - low, 2 ** 32 - low // 4 - 1

    def connect(self):  # P4.1
        mine, self.seq = self.mine(), self.seq + 1
        self.opening[mine[0]] = [self.seq, secret.getrandbits(32), mine, 0.0]
        return mine[0]

    def step(self):
        """One turn of the loop; False when time is up."""
        now = clock()
        for entry in self.opening.values():
            if entry[3] + 0.02 <= now:
                entry[3] = now
                self.offer(OPEN, entry[0], entry[1], options.to, 0, entry[2])
        due = [session.tick(now) for session in list(self.sessions.values())]
        self.link.receive(min([now + 0.02, *due]), self.take)
        return now < self.stop

    def take(self, data, source):
        try:
            parts = parse(data)
        except (ValueError, struct.error) as error:
            return self.violations.append(str(error))
        ident, seq, ack, kind, payload = parts[0]
        receiver, _, sender, *fields = struct.unpack_from(f'={len(payload) // 4 - 1}I', payload, 4)
        session, entry = self.sessions.get(receiver), self.opening.get(receiver)
        if kind == OPEN and (ident != self.ident or options.role == 'client'):
            self.send(REFUSED, seq, ack + 1, source, sender, 0, 0, *self.incarnation, 3)
        elif kind == OPEN:  # P4.2
            key = (source, sender, seq, ack, *fields)
            mine = self.offers[key] = self.offers.pop(key, None) or self.mine()
            self.offer(OPENED, seq, ack + 1, source, sender, mine)
            self.offers = dict([*self.offers.items()][-64:])
        elif kind in (OPENED, REFUSED):
            if not entry or [seq, ack, source] != [entry[0], entry[1] + 1 & M32, options.to]:
                return self.drops.update(['unexpected'])  # P4.3
            del self.opening[receiver]
            if kind == OPENED:  # P4.4
                session = self.sessions[receiver] = Session(
                    self, source, entry[2], [sender, *fields], clock() - entry[3])
                session.transmit([], clock())
        elif kind == RESET:  # P4.7
            if not session or (source, ack) != (session.address, session.peer_tag + 1 & M32):
                return self.drops.update(['unknown-session'])
            session.finish(f'reset {fields[2]}')
        else:
            session = session or self.confirmed(receiver, ack, sender, source)
            if not session or (source, ack, sender) != (
                    session.address, session.tag, session.peer_number):  # P4.6
                self.drops.update(['unknown-session'])
                return self.send(RESET, seq, ack + 1, source, sender, 0, 0, *self.incarnation, 5)
            session.receive(clock(), seq, data, parts)

    def confirmed(self, receiver, ack, sender, source):  # P4.4, P4.5
        for key in [key for key, mine in self.offers.items()
                    if (*key[:2], *mine[:2]) == (source, sender, receiver, ack)]:
            mine = self.offers.pop(key)
            session = Session(self, source, mine, [sender, *key[4:]], 0.001)
            for other in list(self.sessions.values()):
                if other.address == source and other.incarnation != session.incarnation:
                    other.finish('superseded')
            return self.sessions.setdefault(receiver, session)

    def close(self):
        for session in self.sessions.values():
            session.closing = session.closing or 'wanted'

    def report(self, **more):
        print(json.dumps({
            **more, 'ended': self.ended, 'sessions': len(self.sessions), 'drops': self.drops,
            'violations': self.violations[:9], 'executions': sum(self.executions.values()),
            'repeated': sum(n > 1 for n in self.executions.values()), 'order': self.order}))

def work(session, chance):
    """(method, value, channel, give up?) of the calls of a session; no two echo the same."""
    for n in range(options.calls):
        channel = n % (options.channels + 1)
        mark, key = {'session': session, 'channel': channel, 'n': n}, struct.pack('=2I', session, n)
        value = [mark, key + bytes(range(256)) * (n % 12), [mark, [1.5, None, {}]],
                 {**mark, 'text': 'grün ✓ \U0001f600 ' * (n % 90)}, key][n % 5]
        give_up = chance() < options.cancel and ('before' if chance() < 0.5 else 'after')
        yield 'echo', value, channel, give_up
    for method in ('fail', 'absent', 'echo'):
        yield method, None, 0, False

def client(end):
    wrong, done = [], collections.Counter()
    for number in range(options.sessions):
        name, todo, under_way = end.connect(), list(work(number, end.link.rng.random)), []

        def answered(call, status, form, data):
            method, value, _, _ = call
            under_way.remove(call)
            done[f'{method} {status}'] += 1
            value = {'message': 'as you wish'} if method == 'fail' else value
            if status != {'echo': OK, 'fail': FAILED, 'absent': NO_METHOD}[method] or \
                    decode(form, data) != value:
                wrong.append(f'{call}: {status} {form} {data!r}'[:300])

        while (todo or under_way) and (name in end.opening or name in end.sessions) and end.step():
            while name in end.sessions and todo and len(under_way) < options.in_flight:
                call = todo[0]
                if not end.sessions[name].call(*call, lambda *r, call=call: answered(call, *r)):
                    break
                del todo[0]
                done.update(['given up'] if call[3] else under_way.append(call))
        wrong.extend(['not all calls were answered'] if todo or under_way else [])
        end.close()
        while name in end.sessions and end.step():
            pass
    end.report(done=done, wrong=wrong[:9])

def server(end):
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print('ready', file=sys.stderr, flush=True)
    while end.step() and not (stopping and not end.sessions):
        if stopping:
            end.close()
    end.report()

parser = argparse.ArgumentParser(description='A session peer, from docs/PROTOCOL.md alone.')
parser.add_argument('role', choices=['client', 'server'])
parser.add_argument('--id', required=True)
parser.add_argument('--both-ways', action='store_true')
for option, default in {'to': 0, 'portid': 0, 'calls': 100, 'in-flight': 16, 'channels': 3,
                        'sessions': 1, 'seed': 1, 'deadline': 15, 'delay-ms': 3.0, 'drop': 0.0,
                        'duplicate': 0.0, 'reorder': 0.0, 'replay': 0.0, 'cancel': 0.0}.items():
    parser.add_argument('--' + option, type=type(default), default=default)
options = parser.parse_args()
{'client': client, 'server': server}[options.role](Endpoint())
