#!/usr/bin/env python3
"""A session peer over NETLINK_USERSOCK, written from docs/PROTOCOL.md alone (Python 3.9 or later).

  session_peer.py client --to PORTID --id IDX:VAL ...      calls `echo`, `fail`, `absent`; closes
  session_peer.py server --portid PORTID --id IDX:VAL ...  serves `echo` and `fail` until SIGTERM

The server says "ready" on stderr. Both print one line of JSON at the end: what happened, and under
`violations` what the other side did against the specification. The network may be made worse than
netlink is (--drop and so on): for what is sent, or --both-ways. Nothing outlasts --deadline.
"""
import argparse, collections, heapq, json, random, select, signal, socket, struct, sys, time

MAGIC, M32 = 0x636E7201, 0xFFFFFFFF
OPEN, OPENED, REFUSED, RESET, DATA = range(0x8001, 0x8006)  # §3
REQUEST, REPLY, CANCEL, CLOSE = range(0x8011, 0x8015)
LEAST = {OPEN: 44, OPENED: 44, REFUSED: 28, RESET: 28, DATA: 40}
LEAST_MESSAGE = {REQUEST: 12, REPLY: 4, CANCEL: 12, CLOSE: 0}
BYTES, JSON, NOTHING = range(3)
OK, FAILED, NO_METHOD, EXPIRED, CLOSED = 0, 1, 2, 4, 5
NUMBERS, WINDOW, GRANT, BUNDLE, GRAIN = 512, 256, 100_000, 4000, 0.001
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
    """[(id, seq, ack, kind, payload), ...] of a session datagram that is as P1.1 to P3.3 want it."""
    length, *header = struct.unpack_from('=I2H2I', data)
    parts, end, at, least = [], 0, 16, LEAST
    while at + 20 <= length <= len(data):
        *ident, seq, ack, size, kind = struct.unpack_from('=4I2H', data, at)
        parts.append((ident, seq, ack, kind, data[at + 20:at + 20 + size]))
        end, at = at + 20 + size, at + 20 + size + -size % 4
    if not parts or length not in (end, at) or len(data) != at or any(data[end:]):
        raise ValueError(f'P1.1, P3.2: {len(data)} bytes, of which {end} are whole messages')
    for part in parts:
        if part[0] != parts[0][0] or len(part[4]) < least.get(part[3], 1 << 16):
            raise ValueError(f'P3.2: kind {part[3]:x} with {len(part[4])} bytes')
        least = LEAST_MESSAGE if parts[0][3] == DATA else {}
    if header != [3, 0, parts[0][1], 0] or struct.unpack_from('=I4xI', data, 36) != (MAGIC, 0):
        raise ValueError(f'P1.1, P3.1, P3.3: {data[:48].hex()}')  # netlink keeps bytes intact
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

    def __init__(self, args):
        self.args, self.rng, self.later = args, random.Random(args.seed), []
        self.past = collections.deque(maxlen=400)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.socket.setblocking(False)
        self.socket.bind((args.portid, 0))

    def fates(self):
        """The delays of the copies of one datagram that arrive."""
        chance, args = self.rng.random, self.args
        copies = 0 if chance() < args.drop else 2 if chance() < args.duplicate else 1
        return [chance() * args.delay_ms / 1000 if chance() < args.reorder else 0.0
                for _ in range(copies)]

    def put(self, delay, *what):
        heapq.heappush(self.later, (clock() + delay, secret.random(), *what))

    def send(self, data, address):
        """False if the queue was full: then nothing was sent."""
        if self.past and self.rng.random() < self.args.replay:
            self.put(self.rng.random() * 0.01, self.write, *self.rng.choice(self.past))
        self.past.append((data, address))
        delays = self.fates()
        for delay in filter(None, delays):
            self.put(delay, self.write, data, address)
        return all([self.write(data, address) for delay in delays if not delay])

    def write(self, data, address):
        try:
            self.socket.sendto(data, (address, 0))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:
            pass  # nobody is there: as good as lost
        return True

    def receive(self, timeout, take):
        due = max(0.0, self.later[0][0] - clock()) if self.later else timeout
        ready = select.select([self.socket], [], [], min(timeout, due))[0]
        try:
            while ready:
                data, (source, _groups) = self.socket.recvfrom(1 << 17)
                delays = self.fates() if self.args.both_ways else [0.0]
                for delay in delays:
                    self.put(delay, take, data, source) if delay else take(data, source)
        except BlockingIOError:
            pass
        while self.later and self.later[0][0] <= clock():
            _, _, then, data, address = heapq.heappop(self.later)
            then(data, address)


class Message:
    """A message, which is sent until a datagram with it is acknowledged."""

    def __init__(self, kind, seq, ack, payload, deadline=0.0):
        self.kind, self.seq, self.ack, self.payload = kind, seq, ack, payload
        self.deadline, self.sent_at, self.delivered = deadline, 0.0, False

    def encode(self, ident, now):
        if self.kind == REQUEST:  # P6.6: the budget at this transmission
            left = max(0, int((self.deadline - now) * 1e6))
            self.payload = struct.pack('=I', left) + self.payload[4:]
        self.sent_at = now
        return cn_msg(ident, self.seq, self.ack, self.kind, self.payload)


class Session:
    """§5 to §7, either end. `mine` and `peer` are fields of the OPEN and the OPENED."""

    def __init__(self, end, address, mine, peer, rtt):
        self.end, self.address, self.closing, self.ended = end, address, None, None
        self.number, self.tag, self.next, self.next_seq = mine
        (self.peer_number, self.peer_tag, high, low, self.base, self.peer_seq, self.grant,
         self.window) = peer
        self.incarnation, self.first, self.peer_first = (high, low), self.next, self.base
        self.had, self.highest, self.highest_at = {}, self.base - 1, 0.0  # had: number -> bytes
        self.sent, self.queue, self.late, self.fruitless = {}, collections.deque(), 0, 0
        self.srtt, self.rttvar, self.ack_due, self.progress = rtt, rtt / 2, None, clock()
        self.open, self.unacked, self.positions = {}, {}, collections.Counter()  # calls made
        self.seen, self.known, self.replies, self.cancelled = set(), {}, {}, set()  # calls served
        self.channels = {}

    # Sending: P5.1, P5.2, P5.4, P5.8 to P5.10

    def transmit(self, messages, now):
        number = self.next
        bits = sum(1 << (n - self.base) for n in self.had if n >= self.base)  # P5.4
        words = [bits >> shift & M32 for shift in range(0, bits.bit_length(), 32)]
        waited = int((now - self.highest_at) * 1e6) if self.highest_at else 0
        data = datagram(
            cn_msg(self.end.ident, number & M32, self.peer_tag, DATA, struct.pack(
                f'=9I2H{len(words)}I', MAGIC, self.peer_number, 0, self.number, number >> 32,
                min(self.sent, default=number) & M32, self.base & M32, waited & M32, GRANT,
                self.late & 0xFFFF, 0, *words)),
            *(message.encode(self.end.ident, now) for message in messages))
        if not self.end.link.send(data, self.address):  # P5.9: the number was not used
            return False
        self.next, self.ack_due = number + 1, None
        if messages:
            self.sent[number], self.progress = (now, messages, truesize(len(data))), now
        return True

    def flush(self, now, acknowledge):
        while self.queue and self.next - min(self.sent, default=self.next) < NUMBERS:  # P5.2
            batch, size = [], 140
            for message in self.queue:
                size += 24 + len(message.payload)
                if batch and size > BUNDLE:
                    break
                batch.append(message)
            used = sum(cost for _, _, cost in self.sent.values())
            if used and used + truesize(size) > self.grant or not self.transmit(batch, now):  # P5.9
                break
            acknowledge = False
            for _ in batch:
                self.queue.popleft()
        if acknowledge:
            self.transmit([], now)

    def patience(self):  # P5.8
        wait = self.srtt + max(4 * self.rttvar, GRAIN) + min(0.025, max(self.srtt / 4, GRAIN))
        return min(5.0, wait * 1.5 ** max(0, self.fruitless - 2))

    def tick(self, now):
        """Does what is due; returns when to come again."""
        if self.sent and self.progress + self.patience() <= now:
            if self.closing == 'sent' and self.fruitless == 3:  # P7.3
                return self.finish('forgotten')
            self.fruitless, self.progress = self.fruitless + 1, now
            oldest = self.sent[min(self.sent)][1]
            if self.next - min(self.sent) < NUMBERS:
                self.transmit([message for message in oldest if not message.delivered], now)
        if self.closing == 'wanted' and not (self.sent or self.queue or self.end.timers):
            self.closing = 'sent'
            self.queue.append(Message(CLOSE, 0, secret.getrandbits(32), b''))
        self.flush(now, self.ack_due is not None and self.ack_due <= now)
        return min(now + 0.005 if self.queue else M32, self.ack_due or M32,
                   self.progress + self.patience() if self.sent else M32)

    # Receiving: P5.3 to P5.7

    def receive(self, now, low, data, parts):
        high, floor, base, delay, grant, _, zero = struct.unpack_from('=5I2H', parts[0][4], 16)
        bitmap, number = int.from_bytes(parts[0][4][40:], 'little'), high << 32 | low
        floor = number - (low - floor & M32)
        base = self.next + ((base - self.next + 0x80000000 & M32) - 0x80000000)
        if self.had.get(number, data) != data or zero or len(parts[0][4]) > 104:
            self.end.violations.append(f'P5.1, §3: number {number} used twice, or reserved bits')
        if number - floor >= NUMBERS or floor < self.peer_first:
            return self.end.violations.append(f'P5.2: number {number}, floor {floor}')
        if not self.first <= base <= base + bitmap.bit_length() <= self.next:
            return self.end.violations.append(f'P5.5: base {base} {bitmap:x}, next {self.next}')
        if number <= self.highest - NUMBERS or number in self.had:
            return self.end.drops.update(['duplicate'])
        self.late += number < self.base
        gap = number > self.highest + 1
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
        if len(parts) > 1:  # P5.6
            self.ack_due = now if gap else self.ack_due or now + min(.025, max(self.srtt / 4, GRAIN))
        for _, seq, ack, kind, payload in parts[1:]:
            if not self.ended:
                self.take(now, kind, seq, ack, payload)

    def acknowledged(self, now, newly, highest, delay):
        if max(newly) == highest:  # RFC 6298
            rtt = max(1e-5, now - self.sent[highest][0] - delay / 1e6)
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        self.progress, self.fruitless = now, 0
        for message in [message for n in newly for message in self.sent.pop(n)[1]]:
            message.delivered = True
            (self.replies if message.kind == REPLY else self.unacked).pop(message.seq, None)  # P6.4
            if message.kind == CLOSE:
                return self.finish('close-acknowledged')
        lost = [n for n in self.sent if n < max(newly)]  # P5.7, FIFO
        again = [message for n in lost for message in self.sent.pop(n)[1]]
        self.queue = collections.deque(m for m in dict.fromkeys([*again, *self.queue])
                                       if not m.delivered)
        self.sent = {n: entry for n, entry in self.sent.items()
                     if not all(message.delivered for message in entry[1])}

    def take(self, now, kind, seq, ack, payload):
        if kind == REPLY:
            expected, then = self.open.get(seq, (None, None))
            if ack != expected:  # P2.2, P6.5
                return self.end.drops.update(['unmatched-reply'])
            del self.open[seq]
            then(payload[0], payload[1], payload[4:])
        elif kind == CLOSE:  # P7.4
            self.transmit([], now)
            self.finish('close-received')
        else:
            self.serve(now, kind, seq, ack, payload)

    # Calls made: P2.1, P6.1, P6.3, P6.7

    def call(self, method, value, channel, then, give_up):
        """False while the window is full. A call that is given up may leave as a mere CANCEL."""
        if self.next_seq - min(self.unacked.values(), default=self.next_seq) >= self.window:
            return False
        seq, ack, (form, data) = self.next_seq & M32, secret.getrandbits(32), encode(value)
        self.unacked[seq], self.next_seq = self.next_seq, self.next_seq + 1
        position, self.positions[channel] = self.positions[channel], self.positions[channel] + 1
        head = struct.pack('=IHBBI', 0, channel, len(method), form, position if channel else 0)
        if give_up != 'before':
            payload = head + method.encode() + data
            self.queue.append(Message(REQUEST, seq, ack, payload, clock() + 9))
        if give_up:
            self.queue.append(Message(CANCEL, seq, ack, head[:6] + bytes(2) + head[8:]))
        else:
            self.open[seq] = ack + 1 & M32, then
        return True

    # Calls served: P6.2, P6.4, P6.6, P6.7, P7.1

    def serve(self, now, kind, seq, ack, payload):
        budget, channel, size, form, position = struct.unpack_from('=IHBBI', payload)
        if self.known.setdefault(seq, (ack, channel, position)) != (ack, channel, position):
            self.end.violations.append(f'P2.1, P7.1: seq {seq} with another ack or position')
        ahead = seq - self.peer_seq & M32
        if kind == CANCEL:
            self.cancelled.add(seq)
        if seq in self.seen or ahead >> 31:
            kept = self.replies.get(seq)
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
        line = self.channels.setdefault(channel, {'next': 0, 'waiting': {}, 'running': False})
        if channel == 0:
            return self.start(now, job, line)
        if position < line['next'] or line['waiting'].setdefault(position, job) is not job:
            self.end.violations.append(f'P7.1: channel {channel}, position {position} again')
        self.advance(now, line)

    def advance(self, now, line):
        while not line['running'] and line['next'] in line['waiting']:
            line['next'] += 1
            self.start(now, line['waiting'].pop(line['next'] - 1), line)

    def start(self, now, job, line):
        seq, _, channel, method, form, data, until = job
        refusal = (CLOSED if self.closing else EXPIRED if until < now else
                   NO_METHOD if method not in self.end.methods else None)
        if refusal or seq in self.cancelled:
            return self.reply(job, refusal, None)
        value = decode(form, data)
        self.end.executions[self.number, seq] += 1
        if channel:
            line['running'] = True
            self.end.order[channel].append(value['n'] if isinstance(value, dict) else None)
        due = now + self.end.link.rng.random() * self.end.args.work_ms / 1000
        heapq.heappush(self.end.timers, (due, secret.random(), self.done, job, line, value))

    def done(self, job, line, value):
        fails = job[3] == 'fail'
        self.reply(job, FAILED if fails else OK, {'message': 'as you wish'} if fails else value)
        line['running'] = False
        if job[2]:
            self.advance(clock(), line)

    def reply(self, job, status, value):
        if job[0] not in self.cancelled:
            form, data = encode(value)
            reply = Message(REPLY, job[0], job[1] + 1, struct.pack('=BBH', status, form, 0) + data)
            self.replies[job[0]] = reply
            self.queue.append(reply)

    def finish(self, how):
        self.ended = how
        self.end.sessions.pop(self.number, None)
        self.end.ended[how] += 1
        return M32


class Endpoint:
    """§4: opening, either end; and the loop."""

    def __init__(self, args, methods):
        self.args, self.methods, self.link = args, methods, Link(args)
        self.ident, self.stop = [*map(int, args.id.split(':'))], clock() + args.deadline
        self.incarnation, self.seq = struct.unpack('=2I', secret.randbytes(8)), 0
        self.sessions, self.offers, self.opening = {}, {}, {}
        self.ended, self.executions, self.drops = (collections.Counter() for _ in range(3))
        self.timers, self.order, self.violations = [], collections.defaultdict(list), []
        self.last = secret.getrandbits(16)

    def send(self, kind, seq, ack, address, *fields):
        self.link.send(datagram(cn_msg(self.ident, seq, ack, kind, struct.pack(
            f'={len(fields) + 1}I', MAGIC, *fields))), address)

    def terms(self, mine):
        return (*mine[:2], *self.incarnation, *mine[2:], GRANT, WINDOW)

    def mine(self):
        """Session, tag, first number and first seq, of which the latter two soon wrap."""
        self.last, low = self.last + 1, secret.randint(1, 60)
        return self.last, secret.getrandbits(32), 2 ** 32 - low, 2 ** 32 - low // 4 - 1

    def connect(self):  # P4.1
        mine, self.seq = self.mine(), self.seq + 1
        self.opening[mine[0]] = {'seq': self.seq, 'ack': secret.getrandbits(32), 'mine': mine,
                                 'sent': 0.0}
        return mine[0]

    def step(self):
        """One turn of the loop; False when time is up."""
        now = clock()
        while self.timers and self.timers[0][0] <= now:
            _, _, then, *rest = heapq.heappop(self.timers)
            then(*rest)
        for entry in self.opening.values():
            if entry['sent'] + 0.02 <= now:
                entry['sent'] = now
                self.send(OPEN, entry['seq'], entry['ack'], self.args.to, 0, 0,
                          *self.terms(entry['mine']))
        due = [session.tick(now) for session in list(self.sessions.values())]
        wake = min([now + 0.02, *due, *(timer[0] for timer in self.timers[:1])])
        self.link.receive(max(0.0, wake - clock()), self.take)
        return now < self.stop

    def take(self, data, source):
        try:
            parts = parse(data)
        except (ValueError, struct.error) as error:
            return self.violations.append(str(error))
        ident, seq, ack, kind, payload = parts[0]
        receiver, _, sender, *fields = struct.unpack_from(f'={len(payload) // 4 - 1}I', payload, 4)
        session, entry = self.sessions.get(receiver), self.opening.get(receiver)
        if kind == OPEN and (ident != self.ident or not self.methods):
            self.send(REFUSED, seq, ack + 1, source, sender, 0, 0, *self.incarnation, 3)
        elif kind == OPEN:  # P4.2
            key = (source, sender, seq, ack, *fields)
            mine = self.offers[key] = self.offers.pop(key, None) or self.mine()
            self.send(OPENED, seq, ack + 1, source, sender, 0, *self.terms(mine))
            if len(self.offers) > 64:
                del self.offers[next(iter(self.offers))]
        elif kind in (OPENED, REFUSED):
            if not entry or (seq, ack, source) != (
                    entry['seq'], entry['ack'] + 1 & M32, self.args.to):  # P4.3
                return self.drops.update(['unexpected'])
            del self.opening[receiver]
            if kind == OPENED:  # P4.4
                session = self.sessions[receiver] = Session(
                    self, source, entry['mine'], [sender, *fields], clock() - entry['sent'])
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
        for key, mine in self.offers.items():
            if (source, sender, receiver, ack) == (*key[:2], *mine[:2]):
                del self.offers[key]
                session = Session(self, source, mine, [sender, *key[4:]], 0.001)
                for other in list(self.sessions.values()):
                    if other.address == source and other.incarnation != session.incarnation:
                        other.finish('superseded')
                self.sessions[receiver] = session
                return session
        return None

    def report(self, **more):
        print(json.dumps({
            **more, 'ended': self.ended, 'sessions': len(self.sessions), 'drops': self.drops,
            'violations': self.violations[:9], 'executions': sum(self.executions.values()),
            'repeated': sum(n > 1 for n in self.executions.values()), 'order': self.order}))


def work(session, args):
    """(method, value, channel) of the calls of a session; no two echo the same."""
    for n in range(args.calls):
        channel = n % (args.channels + 1)
        mark, key = {'session': session, 'channel': channel, 'n': n}, struct.pack('=2I', session, n)
        yield 'echo', [mark, key + bytes(range(256)) * (n % 12), [mark, [1.5, None, {}]],
                       {**mark, 'text': 'grün ✓ \U0001f600 ' * (n % 90)}, key][n % 5], channel
    yield from [('fail', {'fail': session}, 0), ('absent', None, 0), ('echo', None, 0)]


def client(args):
    end, wrong, done = Endpoint(args, set()), [], collections.Counter()
    for number in range(args.sessions):
        todo, name, calls = collections.deque(work(number, args)), end.connect(), set()

        def answered(item, status, form, data):
            done[f'{item[0]} {status}'] += 1
            calls.discard(id(item))
            if status != {'fail': FAILED, 'absent': NO_METHOD}.get(item[0], OK) or \
                    status == OK and decode(form, data) != item[1] or \
                    status == FAILED and not isinstance(decode(form, data)['message'], str):
                wrong.append(f'{item}: {status} {form} {data!r}'[:300])

        while (todo or calls) and (name in end.opening or name in end.sessions) and end.step():
            while name in end.sessions and todo and len(calls) < args.in_flight:
                item, chance = todo[0], end.link.rng.random()
                give_up = item[0] == 'echo' and chance < args.cancel and (
                    'before' if chance < args.cancel / 2 else 'after')
                if not end.sessions[name].call(
                        *item, lambda *reply, item=item: answered(item, *reply), give_up):
                    break
                todo.popleft()
                done.update(['given up'] if give_up else calls.add(id(item)))
        if calls or todo:
            wrong.append(f'{len(calls)} calls not answered, {len(todo)} not made')
        while name in end.sessions and end.step():
            end.sessions[name].closing = end.sessions[name].closing or 'wanted'
    end.report(done=done, wrong=wrong[:9])


def server(args):
    end, stopping = Endpoint(args, {'echo', 'fail'}), []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print('ready', file=sys.stderr, flush=True)
    while end.step() and not (stopping and not end.sessions):
        for session in end.sessions.values() if stopping else ():
            session.closing = session.closing or 'wanted'
    end.report()


parser = argparse.ArgumentParser(description='A session peer, from docs/PROTOCOL.md alone.')
parser.add_argument('role', choices=['client', 'server'])
parser.add_argument('--id', required=True)
parser.add_argument('--both-ways', action='store_true')
for option, kind, default in (
        ('drop', float, 0), ('duplicate', float, 0), ('reorder', float, 0), ('replay', float, 0),
        ('cancel', float, 0), ('work-ms', int, 0), ('delay-ms', int, 3), ('seed', int, 1),
        ('deadline', int, 15), ('portid', int, 0), ('to', int, 0), ('calls', int, 100),
        ('in-flight', int, 16), ('channels', int, 3), ('sessions', int, 1)):
    parser.add_argument('--' + option, type=kind, default=default)
if __name__ == '__main__':
    options = parser.parse_args()
    {'client': client, 'server': server}[options.role](options)
