#!/usr/bin/env python3
"""A session peer over NETLINK_USERSOCK, written from docs/PROTOCOL.md alone (Python 3, no packages).

  session_peer.py client --to PORTID --id IDX:VAL [--calls N] ...   calls `echo`, then closes
  session_peer.py server --portid PORTID --id IDX:VAL ...           serves `echo` and `fail`

The server says "ready" on stderr, and closes in good order on SIGTERM. Both print one line of JSON at
the end: what happened, and under `violations` what the other side did against the specification.
The network may be made worse than netlink is (--drop and so on), for what is sent, or --both-ways.
"""
import argparse, collections, heapq, json, random, select, signal, socket, struct, sys, time

MAGIC, M32 = 0x636E7201, 0xFFFFFFFF
OPEN, OPENED, REFUSED, RESET, DATA = 0x8001, 0x8002, 0x8003, 0x8004, 0x8005  # §3
REQUEST, REPLY, CANCEL, CLOSE = 0x8011, 0x8012, 0x8013, 0x8014
LEAST = {OPEN: 44, OPENED: 44, REFUSED: 28, RESET: 28, DATA: 40,
         REQUEST: 12, REPLY: 4, CANCEL: 12, CLOSE: 0}
BYTES, JSON, NOTHING = 0, 1, 2
NUMBERS, GRAIN, BUNDLE, WINDOW, GRANT = 512, 0.001, 4000, 256, 100_000
secret = random.SystemRandom()
clock = time.monotonic


def padded(data):
    return data + bytes(-len(data) % 4)


def cn_msg(ident, seq, ack, flags, payload):
    return struct.pack('=4I2H', *ident, seq, ack, len(payload), flags) + payload


def datagram(*parts):  # P1.1, P1.3
    body = b''.join(map(padded, parts[:-1])) + parts[-1]
    seq = struct.unpack_from('=I', body, 8)[0]
    return padded(struct.pack('=I2H2I', 16 + len(body), 3, 0, seq, 0) + body)


def truesize(size):  # KF 6.1
    need = -(-size // 64) * 64 + 320
    if need <= 576:
        return 576 + 256
    return (need if need > 4096 else max(1024, 1 << (need - 1).bit_length())) + 256


def encode(value):
    if value is None:
        return NOTHING, b''
    if isinstance(value, bytes):
        return BYTES, value
    return JSON, json.dumps(value, ensure_ascii=False, separators=(',', ':')).encode()


def decode(form, data):
    return {BYTES: bytes, JSON: json.loads, NOTHING: lambda _: None}[form](data)


class Link:
    """A netlink socket, and between it and the protocol a network that is as bad as asked for."""

    def __init__(self, args):
        self.args, self.rng, self.later, self.count = args, random.Random(args.seed), [], 0
        self.past = collections.deque(maxlen=400)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.socket.setblocking(False)
        self.socket.bind((getattr(args, 'portid', 0), 0))

    def fates(self):
        """The delays of the copies of one datagram that arrive."""
        chance, args = self.rng.random, self.args
        copies = 0 if chance() < args.drop else 2 if chance() < args.duplicate else 1
        return [chance() * args.delay_ms / 1000 if chance() < args.reorder else 0.0
                for _ in range(copies)]

    def put(self, delay, way, data, address):
        self.count += 1
        heapq.heappush(self.later, (clock() + delay, self.count, way, data, address))

    def send(self, data, address):
        """False if the queue was full: then nothing was sent."""
        if self.past and self.rng.random() < self.args.replay:
            self.put(self.rng.random() * 0.01, 'out', *self.rng.choice(self.past))
        self.past.append((data, address))
        for delay in self.fates():
            if delay:
                self.put(delay, 'out', data, address)
            elif not self.write(data, address):
                return False
        return True

    def write(self, data, address):
        try:
            self.socket.sendto(data, (address, 0))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:
            pass  # nobody is there: as good as lost
        return True

    def receive(self, timeout):
        """(bytes, source) of what arrives within the time."""
        due = max(0.0, self.later[0][0] - clock()) if self.later else timeout
        if select.select([self.socket], [], [], min(timeout, due))[0]:
            try:
                for _ in range(64):
                    data, (source, _groups) = self.socket.recvfrom(1 << 17)
                    if not self.args.both_ways:
                        yield data, source
                        continue
                    for delay in self.fates():
                        self.put(delay, 'in', data, source)
            except BlockingIOError:
                pass
        while self.later and self.later[0][0] <= clock():
            _, _, way, data, address = heapq.heappop(self.later)
            if way == 'in':
                yield data, address
            else:
                self.write(data, address)


class Message:
    """A message that is sent until a datagram with it is acknowledged."""

    def __init__(self, kind, seq, ack, payload, deadline=0.0):
        self.kind, self.seq, self.ack, self.payload = kind, seq, ack, payload
        self.deadline, self.sent_at, self.delivered = deadline, 0.0, False

    def encode(self, ident, now):
        if self.kind == REQUEST:  # P6.6
            left = min(M32 - 1, max(0, int((self.deadline - now) * 1e6)))
            self.payload = struct.pack('=I', left) + self.payload[4:]
        return cn_msg(ident, self.seq, self.ack, self.kind, self.payload)


class Session:
    """Both ends of §5 and §6. `peer` holds the fields of the OPEN or OPENED of the other side."""

    def __init__(self, end, address, ident, mine, peer):
        self.end, self.address, self.ident, self.ended = end, address, ident, None
        (self.number, self.tag, self.next, self.next_seq) = mine
        (self.peer_number, self.peer_tag, self.incarnation, self.base, self.peer_seq,
         self.grant, self.window) = peer
        self.had, self.highest, self.highest_at, self.floor = set(), self.base - 1, 0.0, self.base
        self.first, self.peer_first, self.late, self.peer_late = self.next, self.base, 0, 0
        self.sent, self.queue, self.allowed = {}, collections.deque(), GRANT * 4
        self.srtt, self.rttvar, self.min_rtt, self.spread = 0.0, 0.0, 1.0, 1
        self.ack_due = self.loss_due = None
        self.progress, self.fruitless, self.heard = clock(), 0, clock()
        self.open, self.unacked, self.positions = {}, {}, collections.Counter()  # as a client
        self.seen, self.acks, self.replies, self.cancelled = set(), {}, {}, set()  # as a server
        self.channels, self.closing = {}, None

    # --- sending: P5.1, P5.2, P5.8 to P5.10 ---

    def measure(self, rtt):  # RFC 6298
        self.min_rtt = min(self.min_rtt, rtt)
        if self.srtt:
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        else:
            self.srtt, self.rttvar = rtt, rtt / 2

    def transmit(self, messages, now):
        number, base = self.next, self.base
        bits = sum(1 << (had - base) for had in self.had if had >= base)  # P5.4
        words = [bits >> shift & M32 for shift in range(0, bits.bit_length(), 32)]
        waited = int((now - self.highest_at) * 1e6) if self.highest_at else 0
        envelope = struct.pack(
            '=9I2H%dI' % len(words), MAGIC, self.peer_number, 0, self.number, number >> 32,
            min(self.sent, default=number) & M32, base & M32, min(waited, M32), GRANT,
            self.late & 0xFFFF, 0, *words)
        data = datagram(cn_msg(self.ident, number & M32, self.peer_tag, DATA, envelope),
                        *(message.encode(self.ident, now) for message in messages))
        if not self.end.link.send(data, self.address):  # P5.9: the number was not used
            self.allowed = max(832, self.allowed * 7 // 10)
            return False
        self.next, self.ack_due = number + 1, None
        if messages:
            self.sent[number] = (now, messages, truesize(len(data)))
            self.progress = now
            for message in messages:
                message.sent_at = now
        return True

    def flush(self, now, acknowledge=False):
        while self.queue and self.next - min(self.sent, default=self.next) < NUMBERS:  # P5.2
            batch, size = [], 140
            for message in self.queue:
                size += 24 + len(message.payload)
                if batch and size > BUNDLE:
                    break
                batch.append(message)
            used = sum(cost for _, _, cost in self.sent.values())
            if used and used + truesize(size) > min(self.grant, self.allowed):  # P5.9
                break
            if not self.transmit(batch, now):
                break
            acknowledge = False
            for _ in batch:
                self.queue.popleft()
        if acknowledge:
            self.transmit([], now)

    def patience(self):  # P5.8
        wait = self.srtt + max(4 * self.rttvar, GRAIN) + min(0.025, max(self.srtt / 4, GRAIN))
        return min(5.0, wait * 1.5 ** max(0, self.fruitless - 1))

    def tick(self, now):
        """Does what is due; returns when to come again."""
        if self.loss_due and self.loss_due <= now:
            self.find_losses(now)
        if self.sent and self.progress + self.patience() <= now:
            self.fruitless += 1
            self.end.counts['probes'] += 1
            if self.closing == 'sent' and self.fruitless > 3:  # P7.3
                return self.finish('forgotten')
            oldest = self.sent[min(self.sent)][1]
            self.progress = now
            if self.next - min(self.sent) < NUMBERS:
                self.transmit([message for message in oldest if not message.delivered], now)
        if self.sent and now - self.heard > 10:  # P5.11
            return self.finish('silence')
        if self.closing == 'wanted' and not (self.sent or self.queue or self.open or self.busy()):
            self.closing = 'sent'
            self.queue.append(Message(CLOSE, 0, secret.getrandbits(32), b''))
        self.flush(now, self.ack_due is not None and self.ack_due <= now)
        return min([now + 0.1] + [due for due in (self.ack_due, self.loss_due) if due] +
                   ([self.progress + self.patience()] if self.sent else []))

    # --- receiving: P5.3 to P5.7 ---

    def receive(self, now, low, fields, late, bitmap, messages):
        high, floor, base, delay, grant = fields
        number = high << 32 | low
        floor = number - (low - floor & M32)
        if number - floor >= NUMBERS or floor < self.peer_first or number >> 53:
            return self.end.wrong('bad-number', f'P5.2: number {number}, floor {floor}')
        if number <= self.highest - NUMBERS:
            return self.end.drop('stale-datagram')
        if number in self.had:
            return self.end.drop('duplicate-datagram')
        base = self.next + ((base - self.next + 0x80000000 & M32) - 0x80000000)
        if base < self.first or base > self.next or base + bitmap.bit_length() > self.next:
            return self.end.wrong('ack-of-unsent', f'P5.5: base {base}, next {self.next}')
        self.heard = now
        if number < self.base:
            self.late += 1
        gap = number > self.highest + 1
        if number > self.highest:
            self.highest, self.highest_at, self.grant = number, now, grant
            if late != self.peer_late:  # P5.7
                self.peer_late, self.spread = late, self.spread + 1
        self.had = {had for had in self.had if had > self.highest - NUMBERS} | {number}
        self.base = max(self.base, floor)
        while self.base in self.had:
            self.base += 1
        newly = [n for n in self.sent if n < base or bitmap >> (n - base) & 1]
        if newly:
            top = max(newly)
            if top == base + bitmap.bit_length() - 1:
                self.measure(max(1e-5, now - self.sent[top][0] - delay / 1e6))
            self.progress, self.fruitless = now, 0
            self.allowed = min(GRANT * 4, self.allowed + 832)
            for message in (message for n in newly for message in self.sent.pop(n)[1]):
                message.delivered = True
                if message.kind in (REQUEST, CANCEL):
                    self.unacked.pop(message.seq, None)
                elif message.kind == REPLY:  # P6.4: it need not be kept any longer
                    self.replies.pop(message.seq, None)
                elif message.kind == CLOSE:
                    self.finish('close-acknowledged')
            self.sent = {n: entry for n, entry in self.sent.items()
                         if not all(message.delivered for message in entry[1])}
            self.queue = collections.deque(m for m in self.queue if not m.delivered)
            self.newest = max(top, getattr(self, 'newest', 0))
            self.find_losses(now)
        if messages and self.ack_due is None:  # P5.6
            self.ack_due = now + min(0.025, max(self.srtt / 4, GRAIN))
        if gap and messages:
            self.ack_due = now
        for message in messages:
            if not self.ended:
                self.take(now, *message)

    def find_losses(self, now):  # P5.7, with the time: this link need not be FIFO
        patience = self.srtt + min(self.srtt, self.min_rtt / 4 * self.spread)
        self.loss_due = None
        for number in [n for n in self.sent if n < self.newest]:
            if self.sent[number][0] + patience <= now:
                for message in reversed(self.sent.pop(number)[1]):
                    if not message.delivered and message not in self.queue:
                        self.queue.appendleft(message)
                self.end.counts['lost'] += 1
            else:
                due = self.sent[number][0] + patience
                self.loss_due = min(self.loss_due or due, due)

    def take(self, now, kind, seq, ack, payload):
        if kind == REPLY:
            call = self.open.get(seq)
            if not call or ack != call[0].ack + 1 & M32:  # P2.2, P6.5
                return self.end.drop('unmatched-reply')
            del self.open[seq]
            call[1](payload[0], payload[1], payload[4:])
        elif kind == CLOSE:  # P7.4
            self.transmit([], now)
            self.finish('close-received')
        elif kind in (REQUEST, CANCEL):
            self.serve(now, kind, seq, ack, payload)

    # --- calls made: P2.1, P6.1, P6.3, P6.7 ---

    def call(self, method, value, channel, timeout, then, give_up):
        oldest = min(self.unacked.values(), default=self.next_seq)
        if self.next_seq - oldest >= self.window:
            return False
        seq, ack = self.next_seq & M32, secret.getrandbits(32)
        self.unacked[seq], self.next_seq = self.next_seq, self.next_seq + 1
        form, data = encode(value)
        position = self.positions[channel] if channel else 0
        self.positions[channel] += 1
        head = struct.pack('=IHBBI', 0, channel, len(method), form, position & M32)
        request = Message(REQUEST, seq, ack, head + method.encode() + data, clock() + timeout)
        cancel = Message(CANCEL, seq, ack, struct.pack('=IHHI', 0, channel, 0, position & M32))
        if give_up != 'before':
            self.queue.append(request)
            self.open[seq] = (request, then)
        if give_up:
            self.queue.append(cancel)
            self.open.pop(seq, None)
        return True

    # --- calls served: P6.2, P6.4, P6.6, P7.1 ---

    def serve(self, now, kind, seq, ack, payload):
        if self.acks.setdefault(seq, ack) != ack:
            self.end.wrong('two-acks', f'P2.1: seq {seq} with two acks')
        fresh = seq not in self.seen
        ahead = seq - self.peer_seq & M32
        if fresh and ahead >= WINDOW:
            if ahead < 0x80000000:
                self.end.wrong('beyond-window', f'P6.3: seq {seq}, oldest unseen {self.peer_seq}')
            return self.end.drop('repeated-request')
        self.seen.add(seq)
        while self.peer_seq in self.seen:
            self.seen.remove(self.peer_seq)
            self.peer_seq = self.peer_seq + 1 & M32
        budget, channel, size, form, position = struct.unpack_from('=IHBBI', payload)
        if kind == CANCEL:
            self.cancelled.add(seq)
            self.end.counts['cancelled'] += 1
        if fresh:
            until = now + budget / 1e6 if budget != M32 else 1e18
            job = (seq, ack, until, payload[12:12 + size].decode(), form, payload[12 + size:])
            if channel == 0:
                return self.start(now, job, None)
            line = self.channels.setdefault(channel, {'next': 0, 'waiting': {}, 'running': False})
            if line['waiting'].setdefault(position, job) is not job or position < line['next']:
                self.end.wrong('position', f'P7.1: channel {channel}, {position} again')
            self.advance(now, line)
        elif kind == REQUEST:
            self.end.counts['repeated'] += 1
            kept = self.replies.get(seq)
            if kept and kept not in self.queue and now - kept.sent_at >= self.srtt:
                self.queue.append(kept)

    def advance(self, now, line):
        while not line['running'] and line['next'] in line['waiting']:
            job = line['waiting'].pop(line['next'])
            line['next'] = line['next'] + 1 & M32
            self.start(now, job, line)

    def start(self, now, job, line):
        seq, ack, until, method, form, data = job
        if seq in self.cancelled:
            return
        if until < now:
            return self.reply(job, 4, None)
        if method not in self.end.methods:
            return self.reply(job, 2, None)
        self.end.executions[self.number, seq] += 1
        value = decode(form, data)
        if line:
            self.end.order[str(sorted(self.channels, key=lambda c: self.channels[c] is line)[-1])
                           ].append(value if form == JSON else None)
            line['running'] = True
        work = self.end.link.rng.random() * self.end.args.work_ms / 1000
        self.end.at(now + work, lambda: self.done(job, line, method, value))

    def busy(self):
        return self.end.jobs

    def done(self, job, line, method, value):
        if method == 'fail':
            self.reply(job, 1, {'message': 'as you wish'})
        else:
            self.reply(job, 0, value)
        if line:
            line['running'] = False
            self.advance(clock(), line)

    def reply(self, job, status, value):
        seq, ack = job[:2]
        if seq not in self.cancelled and not self.ended:
            form, data = encode(value)
            self.replies[seq] = Message(REPLY, seq, ack + 1 & M32,
                                        struct.pack('=BBH', status, form, 0) + data)
            self.queue.append(self.replies[seq])

    def finish(self, how):
        self.ended = self.ended or how
        self.end.sessions.pop(self.number, None)
        self.end.ended[how] += 1
        return clock() + 1


class Endpoint:
    def __init__(self, args, methods):
        self.args, self.methods, self.link = args, methods, Link(args)
        self.ident = tuple(map(int, args.id.split(':')))
        self.incarnation, self.seq = secret.getrandbits(64), secret.getrandbits(32)
        self.names = iter(range(secret.getrandbits(16) + 1, M32))
        self.sessions, self.offers, self.opening = {}, collections.OrderedDict(), {}
        self.counts, self.ended, self.executions = (collections.Counter() for _ in range(3))
        self.drops, self.violations, self.timers, self.jobs = collections.Counter(), [], [], 0
        self.order, self.bytes_of = collections.defaultdict(list), {}
        self.stop = clock() + args.deadline

    def at(self, when, what):
        self.jobs += 1
        heapq.heappush(self.timers, (when, self.jobs, id(what), what))

    def drop(self, reason):
        self.drops[reason] += 1

    def wrong(self, reason, text):
        self.violations.append(text)
        self.drop(reason)

    def offer(self, kind, seq, ack, receiver, mine):
        """OPEN or OPENED. Numbers begin where their low half, and `seq`, soon wrap."""
        number, tag, first, first_seq = mine
        return datagram(cn_msg(self.ident, seq, ack, kind, struct.pack(
            '=11I', MAGIC, receiver, 0, number, tag, self.incarnation >> 32,
            self.incarnation & M32, first, first_seq, GRANT, WINDOW)))

    def refuse(self, kind, ident, seq, ack, source, reason, address):
        self.link.send(datagram(cn_msg(ident, seq, ack + 1 & M32, kind, struct.pack(
            '=7I', MAGIC, source, 0, 0, self.incarnation >> 32, self.incarnation & M32,
            reason))), address)

    def mine(self):
        low = random.randint(1, 60)
        return next(self.names), secret.getrandbits(32), 2 ** 32 - low, 2 ** 32 - low // 4 - 1

    def connect(self):
        """Begins to open a session (P4.1)."""
        mine, ack = self.mine(), secret.getrandbits(32)
        self.seq = self.seq + 1 & M32
        data = self.offer(OPEN, self.seq, ack, 0, mine)
        self.opening[mine[0]] = [self.seq, ack, mine, data, 0.0, clock()]
        return mine[0]

    def step(self, until=0.1):
        now = clock()
        wake = min(now + until, self.stop)
        while self.timers and self.timers[0][0] <= now:
            self.jobs -= 1
            heapq.heappop(self.timers)[3]()
        for entry in self.opening.values():
            if entry[4] <= now:
                self.link.send(entry[3], self.args.to)
                entry[4] = now + 0.02
            wake = min(wake, entry[4])
        for session in list(self.sessions.values()):
            wake = min(wake, session.tick(now))
        if self.timers:
            wake = min(wake, self.timers[0][0])
        for data, source in self.link.receive(max(0.0, wake - clock())):
            self.take(data, source)
        return clock() < self.stop

    def take(self, data, source):
        """P1.1 to P1.3, P3.1, P3.2: one nlmsghdr filled by cn_msg; this peer wants it strict."""
        length, typ, flags, nlseq, pid = struct.unpack_from('=I2H2I', data)
        parts, at = [], 16
        while at + 20 <= length <= len(data):
            head = struct.unpack_from('=4I2H', data, at)
            parts.append(head[2:4] + (head[5], data[at + 20:at + 20 + head[4]], head[:2]))
            end, at = at + 20 + head[4], at + 20 + head[4] + -head[4] % 4
        if not parts or not 0 <= length - end < 20 or len(data) != length + -length % 4 or any(data[end:]):
            return self.wrong('malformed', f'P1.1, P3.2: {len(data)} bytes, ends at {end}: {data[:48].hex()}')
        seq, ack, kind, payload, ident = parts[0]
        if (typ, flags, nlseq, pid) != (3, 0, seq, 0):
            self.violations.append(f'P1.1: nlmsghdr {data[:16].hex()}')
        if kind not in (OPEN, OPENED, REFUSED, RESET, DATA) or len(parts) > 1 and kind != DATA or \
                any(p[4] != ident or len(p[3]) < LEAST.get(p[2], 1 << 16) for p in parts):
            return self.wrong('malformed', f'P3.1, P3.2: {data[:48].hex()}')
        magic, receiver, checksum, sender, *rest = struct.unpack_from('=7I', payload)
        if (magic, checksum) != (MAGIC, 0):
            return self.wrong('malformed', f'P3.1, P3.3: magic {magic:x}, checksum {checksum:x}')
        now = clock()
        if kind == OPEN:
            self.opened(seq, ack, ident, sender, rest, payload, source)
        elif kind == OPENED or kind == REFUSED:
            entry = self.opening.get(receiver)
            if not entry or (seq, ack) != (entry[0], entry[1] + 1 & M32) or source != self.args.to:
                return self.drop('unexpected')  # P4.3
            del self.opening[receiver]
            if kind == REFUSED:
                self.ended[f'refused {rest[2]}'] += 1
                return
            session = Session(self, source, ident, entry[2], self.peer(sender, payload))
            session.measure(now - entry[5])
            session.first_data = session.transmit([], now)  # P4.4
            self.sessions[receiver] = session
        elif kind == RESET:
            session = self.sessions.get(receiver)
            if not session or session.address != source or ack != session.peer_tag + 1 & M32:
                return self.drop('unknown-session')  # P4.7
            session.finish(f'reset {rest[2]}')
        else:
            session = self.sessions.get(receiver) or self.confirmed(receiver, ack, sender, source)
            if not session or (session.tag, session.peer_number, session.address) != (
                    ack, sender, source):  # P4.6
                self.drop('wrong-tag' if session else 'unknown-session')
                return self.refuse(RESET, ident, seq, ack, sender, 5, source)
            known = self.bytes_of.setdefault((receiver, seq), data)
            if known != data:
                self.violations.append(f'P5.1: number {seq} used twice')
            high, floor, base, delay, grant, late, zero = struct.unpack_from('=5I2H', payload, 16)
            bitmap = int.from_bytes(payload[40:], 'little')
            if zero or len(payload) > 104 or len(payload) % 4:
                self.violations.append(f'§3: envelope {payload.hex()}')
            session.receive(now, seq, (high, floor, base, delay, grant), late, bitmap,
                            [(p[2], p[0], p[1], p[3]) for p in parts[1:]])

    @staticmethod
    def peer(sender, payload):
        tag, high, low, first, seq, grant, window = struct.unpack_from('=7I', payload, 16)
        return sender, tag, high << 32 | low, first, seq, grant, window

    def opened(self, seq, ack, ident, sender, rest, payload, source):  # P4.2
        if ident != self.ident or not self.methods:
            return self.refuse(REFUSED, ident, seq, ack, sender, 3, source)
        key = (source, sender, seq, ack, payload)
        if key not in self.offers:
            self.offers[key] = self.mine()
            if len(self.offers) > 64:
                self.offers.popitem(last=False)
        mine = self.offers[key]
        self.link.send(self.offer(OPENED, seq, ack + 1 & M32, sender, mine), source)

    def confirmed(self, receiver, ack, sender, source):  # P4.4, P4.5
        for key, mine in self.offers.items():
            if (source, sender) == key[:2] and mine[:2] == (receiver, ack):
                del self.offers[key]
                session = Session(self, source, self.ident, mine, self.peer(sender, key[4]))
                for other in list(self.sessions.values()):
                    if other.address == source and other.incarnation != session.incarnation:
                        other.finish('superseded')
                self.sessions[receiver] = session
                self.counts['sessions'] += 1
                return session
        return None

    def report(self, **more):
        runs = self.executions.values()
        print(json.dumps({
            **more, 'ended': self.ended, 'counts': self.counts, 'drops': self.drops,
            'violations': self.violations[:10], 'executions': sum(runs),
            'duplicateExecutions': sum(1 for n in runs if n > 1), 'order': self.order}), flush=True)


def values(session, count):
    for i in range(count):
        mark = {'session': session, 'n': i}
        yield [mark, bytes([session, i & 255, i >> 8]) + bytes(range(256)) * (i % 12),
               {**mark, 'text': 'grün ✓ \U0001f600 ' * (i % 90)}, [mark, [1.5, None, True, []]],
               struct.pack('=II', session, i) + bytes(i % 4)][i % 5]


def client(args):
    end, wrong, done = Endpoint(args, {}), [], collections.Counter()
    for number in range(args.sessions):
        work = collections.deque(('echo', value, i % (args.channels + 1)) for i, value in
                                 enumerate(values(number, args.calls)))
        work.extend([('fail', {'fail': number}, 0), ('absent', None, 0), ('echo', None, 0)])
        name, going, alive = end.connect(), [0], True

        def answer(item, status, form, data):
            going[0] -= 1
            expected = {'fail': 1, 'absent': 2}.get(item[0], 0)
            done[f'{item[0]} {status}'] += 1
            if status != expected or status == 0 and (form, data) != encode(item[1]) and \
                    (form != JSON or decode(form, data) != item[1]):
                wrong.append(f'{item[0]} {item[1]!r}: {status} {form} {data!r}'[:300])
            if status == 1 and not isinstance(decode(form, data)['message'], str):
                wrong.append('an error without a message')

        while alive and (work or going[0] or name in end.opening):
            session = end.sessions.get(name)
            alive = end.step(0.05) and (session is not None or name in end.opening
                                        or name in end.sessions)
            session = end.sessions.get(name)
            while session and work and going[0] < args.in_flight:
                item = work[0]
                late = end.link.rng.random()
                give_up = item[0] == 'echo' and late < args.cancel and (
                    'before' if late < args.cancel / 2 else 'after')
                if not session.call(*item, 20.0, lambda *reply, item=item: answer(item, *reply),
                                    give_up):
                    break
                work.popleft()
                going[0] += not give_up
                done['given up'] += bool(give_up)
        if name in end.sessions:
            end.sessions[name].closing = 'wanted'
        while name in end.sessions and end.step():
            pass
        if going[0] or work:
            wrong.append(f'{going[0]} calls not answered, {len(work)} not made')
    end.report(done=done, wrong=wrong[:10])


def server(args):
    end, stopping = Endpoint(args, {'echo', 'fail'}), []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print('ready', file=sys.stderr, flush=True)
    while end.step(0.02) and not (stopping and not end.sessions):
        for session in end.sessions.values() if stopping else ():
            session.closing = session.closing or 'wanted'
    end.report()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--id', required=True)
    for name in ('drop', 'duplicate', 'reorder', 'replay', 'cancel', 'work-ms'):
        common.add_argument('--' + name, type=float, default=0)
    common.add_argument('--delay-ms', type=float, default=3)
    common.add_argument('--seed', type=int, default=1)
    common.add_argument('--both-ways', action='store_true')
    common.add_argument('--deadline', type=float, default=15)
    roles = parser.add_subparsers(dest='role', required=True)
    role = roles.add_parser('client', parents=[common])
    role.add_argument('--to', type=int, required=True)
    for name, default in (('calls', 100), ('in-flight', 16), ('channels', 3), ('sessions', 1)):
        role.add_argument('--' + name, type=int, default=default)
    role = roles.add_parser('server', parents=[common])
    role.add_argument('--portid', type=int, required=True)
    args = parser.parse_args()
    {'client': client, 'server': server}[args.role](args)


if __name__ == '__main__':
    main()
