#!/usr/bin/env python3
"""A peer that means harm, over NETLINK_USERSOCK (Python 3.9 or later).

  hostile_peer.py known --to PORTID --id IDX:VAL ...   does each wrong thing a known number of times
  hostile_peer.py siege --to PORTID --id IDX:VAL ...   does all of it at random, from many addresses

Prints one line of JSON: how many datagrams the kernel took (`sent`), what was done (`deeds`) and,
after `known`, how many are to be counted under which reason (`expected`; `good`: under none). In a
siege it prints "up" when it begins, and ends when stdin does or after --seconds."""
import argparse, collections, json, random, select, socket, struct, sys, time

MAGIC, M32 = 0x636E7201, 0xFFFFFFFF
OPEN, OPENED, REFUSED, RESET, DATA = range(0x8001, 0x8006)
REQUEST, REPLY, CANCEL, CLOSE, PING, SEND = range(0x8011, 0x8017)
REQUEST_PIECE, REPLY_PIECE, REQUEST_CREDIT, REPLY_CREDIT = range(0x8017, 0x801B)
LARGE, NO_LIMIT = 0x7FFFFFFF, M32
RECORDED_MAX, SESSIONS_MAX = 300, 24
deeds, clock = collections.Counter(), time.monotonic

def cn_msg(ident, seq, ack, flags, payload):
    return struct.pack('=4I2H', *ident, seq & M32, ack & M32, len(payload), flags) + payload

def datagram(*parts):
    body = b''.join(part + bytes(-len(part) % 4) for part in parts)
    return struct.pack('=I2H2I', 16 + len(body), 3, 0, 0, 0) + body

def control(kind, ident, seq, ack, *fields):
    return datagram(cn_msg(ident, seq, ack, kind, struct.pack(f'={len(fields)}I', *fields)))

def request(seq, ack, method=b'echo', value=b'', channel=0, position=0, form=0, kind=REQUEST):
    head = struct.pack('=IHBBI', NO_LIMIT, channel, len(method), form, position & M32)
    return kind, seq, ack, head + method + value

def cancel(seq, ack, channel=0, position=0):
    return CANCEL, seq, ack, struct.pack('=IHHI', 0, channel, 0, position & M32)

class Socket:
    """A netlink socket: every datagram that the kernel takes is counted."""

    def __init__(self, buffer=None):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.setblocking(False)
        self.socket.bind((0, 0))
        self.sessions, self.opening, self.recorded = {}, {}, []

    def send(self, data):
        """True if the kernel took it: it is then in the victim's queue."""
        try:
            self.socket.sendto(data, (options.to, 0))
        except BlockingIOError:
            return False
        except ConnectionRefusedError:
            raise SystemExit('nobody is at the address')
        deeds['sent'] += 1
        if len(self.recorded) < RECORDED_MAX:
            self.recorded.append(data)
        elif rng.random() < 0.01:
            self.recorded[rng.randrange(RECORDED_MAX)] = data
        return True

    def insist(self, data):
        while not self.send(data):
            time.sleep(0.0005)

    def receive(self, most=64):
        for _ in range(most):
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return
            if len(data) < 56:
                continue
            seq, ack, _, kind = struct.unpack_from('=2I2H', data, 24)
            receiver, _, sender = struct.unpack_from('=3I', data, 40)
            if kind == OPENED and receiver in self.opening:
                session = self.sessions[receiver] = self.opening.pop(receiver)
                session.peer, session.peer_tag = sender, struct.unpack_from('=I', data, 52)[0]
            elif kind == REFUSED:
                self.opening.pop(receiver, None)
            elif kind == RESET:
                self.sessions.pop(receiver, None)
            elif kind == DATA and receiver in self.sessions:
                self.sessions[receiver].base = max(self.sessions[receiver].base, seq + 1)

class Session:
    """A session that is opened in good order, and then used as badly as one likes."""
    names = 0

    def __init__(self, link, ident=None, incarnation=(7, 7), grant=LARGE):
        Session.names += 1
        self.link, self.ident, self.name = link, ident or options.ident, Session.names
        self.tag, self.next, self.seq, self.base = rng.getrandbits(32), 5, M32 - 40, 0
        self.genes, self.incarnation, self.grant = (Session.names, rng.getrandbits(32)), incarnation, grant

    def opening(self, window=4096):
        return control(OPEN, self.ident, *self.genes, MAGIC, 0, 0, self.name, self.tag,
                       *self.incarnation, self.next, self.seq, self.grant & M32, window, 1 << 20, 4096)

    def begin(self):
        """Asks for the session; it is one of its socket's when the victim has agreed."""
        if self.link.send(self.opening()):
            self.link.opening[self.name] = self
        return self

    def data(self, *messages, number=None, floor=None, base=None, bitmap=b'', ident=None, peer=None,
             tag=None, grant=None, source=None):
        number = self.next if number is None else number
        envelope = struct.pack(
            '=9I2H', MAGIC, self.peer if peer is None else peer, 0,
            self.name if source is None else source, number >> 32,
            (number if floor is None else floor) & M32,
            (self.base if base is None else base) & M32, 0,
            (self.grant if grant is None else grant) & M32, 0, 0) + bitmap
        parts = [cn_msg(ident or self.ident, seq, ack, kind, payload)
                 for kind, seq, ack, payload in messages]
        return datagram(cn_msg(self.ident, number & M32, self.peer_tag if tag is None else tag, DATA,
                               envelope), *parts)

    def say(self, *messages, **fields):
        """Sends the next datagram; False if the victim's queue is full."""
        if not self.link.send(self.data(*messages, **fields)):
            return False
        self.next = fields.get('number', self.next) + 1
        return True

    def ask(self, count=1, **fields):
        """The next requests, of an honest numbering."""
        first, self.seq = self.seq, self.seq + count
        return [request(first + n, 9, **fields) for n in range(count)]

def ping():
    return PING, 0, rng.getrandbits(32), b''

# What is counted under which reason: each wrong thing done --times times.

def known():
    expected = collections.Counter()

    def count(reason, link, *data):
        for each in data:
            link.insist(each)
            expected[reason] += 1

    def opened(link, **how):
        session = Session(link, **how).begin()
        while session.name not in link.sessions:
            select.select([link.socket], [], [], 1)
            link.receive()
        session.say(*session.ask(method=b'hang'))
        expected['good'] += 2
        return session

    links = [Socket(), Socket()]
    link, other = links
    mine = opened(link)
    ident, absent = options.ident, [0xABCD, 1]
    for n in range(options.times):
        count('short', link, rng.randbytes(1 + n % 35))
        count('nlmsg-length', link, struct.pack('=I', 35) + bytes(40), struct.pack('=I', 81) + bytes(76))
        count('cn-length', link, struct.pack('=I2H2I4I2H', 40, 3, 0, 0, 0, *ident, 1, 1, 5, 0) + bytes(4))
        count('version', link, control(OPEN, ident, 1, 1, MAGIC + 1 + n, *[0] * 12))
        count('malformed', link,
              control(OPEN, ident, 1, 1, MAGIC, *[0] * 11), control(0x8000, ident, 1, 1, MAGIC, *[0] * 20),
              control(RESET, ident, 1, 1, MAGIC, *[0] * 5), Session(link).opening(window=63),
              mine.data(ping(), ident=absent), mine.data((0x801B, 0, 0, bytes(64))),
              mine.data((REQUEST, 1, 1, struct.pack('=IHBBI', 0, 0, 1, 0, 0))),
              mine.data((REPLY, 1, 1, bytes(3))), mine.data(bitmap=bytes(3)),
              mine.data(bitmap=bytes(68)), mine.data(ping())[:-1] + bytes(5))
        count('unknown-session', link, mine.data(ping(), peer=mine.peer + 1000 + n))
        count('wrong-tag', link, mine.data(ping(), tag=mine.peer_tag ^ 1 << n % 32),
              mine.data(ping(), source=mine.name + 500),
              control(RESET, ident, 1, mine.tag + 2 & M32, MAGIC, mine.peer, 0, 0, 7, 7, 5))
        count('wrong-tag', other, mine.data(ping()))
        count('bad-number', link, mine.data(ping(), floor=mine.next + 1),
              mine.data(ping(), number=mine.next + 600, floor=mine.next),
              mine.data(ping(), number=mine.next + 70_000), mine.data(ping(), number=1 << 53))
        count('ack-of-unsent', link, mine.data(ping(), base=mine.base + 100_000),
              mine.data(ping(), bitmap=struct.pack('=16I', *[M32] * 16)))
        count('unexpected', link, datagram(cn_msg(ident, 1, 1, 0, b'bare')),
              control(OPENED, ident, 1, 1, MAGIC, 5, *[0] * 11), control(REFUSED, ident, 1, 1, MAGIC, 5, *[0] * 5),
              control(RESET, ident, 1, 1, MAGIC, mine.peer + 77, 0, 0, 0, 0, 5))
        count('unexpected', other, control(RESET, ident, 1, mine.tag + 1, MAGIC, mine.peer, 0, 0, 7, 7, 5))
        count('no-service', link, Session(link, ident=absent).opening())
        count('denied', link, Session(link, ident=[options.ident[0] + 1, options.ident[1]]).opening())
        link.receive()
        again = mine.data(ping())
        count('good', link, again)
        count('duplicate-datagram', link, again)
        mine.next += 1
    low = mine.next
    count('good', link, mine.data(ping(), number=low + 65_000))
    count('stale-datagram', link, *[mine.data(ping(), number=low + n) for n in range(options.times)])
    mine.next = low + 65_001
    siblings = [opened(link) for _ in range(options.per_peer - 1)]
    count('over-limit', link, *[Session(link).opening() for _ in range(options.times)])
    # A flood of openings fills a small table, and costs the victim an answer each.
    count('good', other, *[Session(other).opening() for _ in range(options.times)])
    count('good', link, *[session.data((CLOSE, 0, 1, b'')) for session in [mine, *siblings]])
    print(json.dumps({'sent': deeds['sent'], 'deeds': {}, 'expected': expected}), flush=True)
    sys.stdin.read()  # a victim that is slow to read would find the sessions of a peer that is gone

# A siege: each attack takes some of the time of one address.

def garbage(link):
    for _ in range(30):
        link.send(rng.randbytes(rng.choice([1, 20, 36, 60, 100, 1500, 60_000])))

def bare(link):
    message = cn_msg(options.ident, rng.getrandbits(32), rng.getrandbits(32), rng.getrandbits(15), b'')
    link.send(datagram(*[message] * rng.choice([1, 2, 3000])))

def opens(link):
    session = Session(link, incarnation=(rng.getrandbits(32), 1))
    for _ in range(50):
        session.name, session.genes = rng.getrandbits(32), (rng.getrandbits(32), 1)
        link.send(session.opening(window=rng.choice([64, 4096, M32])))

def forged(link):
    for _ in range(20):
        known = rng.choice([*link.sessions.values(), None])
        peer = known.peer if known else rng.getrandbits(32)
        ack = known.tag + rng.choice([0, 2]) if known else rng.getrandbits(32)
        kind = rng.choice([OPENED, REFUSED, RESET])
        link.send(control(kind, options.ident, rng.getrandbits(8), ack, MAGIC, peer + rng.choice([0, 0, 1, M32]) & M32, 0,
                          *[rng.choice([0, 1, 7, rng.getrandbits(32)]) for _ in range(8)]))

def replayed(link):
    source = rng.choice(sockets)
    for data in rng.sample(source.recorded, min(40, len(source.recorded))):
        link.send(data)

def mutated(link):
    for _ in range(40):
        if not link.recorded:
            return
        data = bytearray(rng.choice(link.recorded))
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(data)) if rng.random() < 0.5 else 4 * rng.randrange(len(data) // 4 or 1)
            value = rng.choice([0, 1, 0xFF, 0x7FFFFFFF, M32, rng.getrandbits(32)])
            data[at:at + 4] = struct.pack('=I', value)[:max(0, len(data) - at)]
        if rng.random() < 0.3 and len(data) > 36:
            struct.pack_into('=H', data, 34, rng.randrange(0x8000, 0x8008))
        link.send(bytes(data[:rng.randrange(1, len(data) + 1)] if rng.random() < 0.2 else data))

def beyond(session):
    session.say(request(session.seq + rng.choice([65_535, 65_536, 1 << 30, 1 << 31]), 1))

def gap(session):
    """Requests without a budget, in a channel, behind one that never comes."""
    session.position = getattr(session, 'position', 0) + 40
    first, session.seq = session.seq, session.seq + 40
    session.say(*[request(first + n, 1, value=b'x' * 30, channel=1 + first % 7, position=session.position + n)
                  for n in range(40)])

def deaf(session):
    """Calls that nothing acknowledges, small ones and large."""
    for _ in range(10):
        size = rng.choice([0, 10, 1000, 50_000])
        session.say(*session.ask(2 if size > 9999 else 30, value=bytes(min(size, 20_000))), base=0)

def unsent(session):
    session.say(ping(), base=session.base + rng.choice([1, 600, 1 << 20]), bitmap=rng.randbytes(4 * rng.randrange(17)))

def jumps(session):
    session.say(ping(), number=session.next + rng.choice([2, 511, 513, 65_000]))

def no_grant(session):
    session.say(*session.ask(20, value=bytes(200)), grant=0)

def cancels(session):
    """Taken back before, with, after and without the request."""
    first = session.seq
    session.say(*session.ask(20), *[cancel(first + n, 9) for n in range(0, 20, 2)])
    session.say(*[cancel(first + n, rng.choice([9, 8])) for n in range(20)])
    first, session.seq = session.seq, session.seq + 20
    session.say(*[cancel(first + n, 9, channel=rng.choice([0, 9, 60_000]), position=n + 1) for n in range(20)])

def pings(session):
    for _ in range(20):
        session.say(*[ping()] * rng.choice([1, 100]))

def hoard(session):
    """Refusals, of which none is acknowledged."""
    for _ in range(5):
        session.say(*session.ask(300, method=b'?'), base=0)

def reborn(session):
    """The address is that of a new incarnation: all its sessions are over."""
    again = Session(session.link, incarnation=(rng.getrandbits(32), 2))
    again.vices = session.vices
    again.begin()

def leave(session):
    session.say((CLOSE, 0, 1, b''), *session.ask(3))
    session.link.sessions.pop(session.name, None)

def contradict(session):
    session.say(ping(), floor=session.next - rng.choice([-1, 511, 512, 1 << 31]))

def pieces(session):
    """Values in pieces: unfinished, twice, with gaps, to requests that are none, beyond the credit."""
    first, session.seq = session.seq, session.seq + 6
    session.say(*[request(first + n, 9, form=rng.choice([0x80, 0xC0, 0xE0]), kind=rng.choice([REQUEST, SEND]),
                          channel=rng.choice([0, 9])) for n in range(6)])
    for _ in range(6):
        position = rng.choice([0, 0, 1, 2, 3, M32] if rng.random() < 0.1 else [0, 0, 1, 2])
        piece = struct.pack('=IBBH', position, rng.randrange(4), rng.choice([0, 1, 1, 2, 3]), 0)
        session.say((rng.choice([REQUEST_PIECE, REQUEST_PIECE, REPLY_PIECE]), first + rng.randrange(7), 9,
                     piece + bytes(rng.choice([0, 10, 500]))))

def credits(session):
    session.say(*[(rng.choice([REQUEST_CREDIT, REPLY_CREDIT]), session.seq - rng.randrange(20) & M32, 9,
                   struct.pack('=I', rng.choice([0, 1, M32, 1 << 31, rng.getrandbits(32)]))) for _ in range(50)])

def sends(session):
    session.say(*session.ask(30, kind=SEND, value=bytes(20)))

def unasked(session):
    session.say(*[(REPLY, rng.getrandbits(32), rng.getrandbits(32), b'\0\1\0\0null')] * 50)

def siege():
    attacks = [garbage, bare, opens, forged, replayed, mutated]
    vices = [gap, deaf, unsent, jumps, no_grant, cancels, pings, hoard, contradict, unasked,
            pieces, credits, sends]
    ends = [beyond, reborn, leave]
    sockets.extend(Socket(rng.choice([None, None, 2304])) for _ in range(options.sockets))
    print('up', flush=True)
    until = clock() + options.seconds
    while clock() < until and not select.select([sys.stdin], [], [], 0)[0]:
        link = rng.choice(sockets)
        if rng.random() < 0.8:
            link.receive()  # others never look at what they are sent
        session = rng.choice([*link.sessions.values(), None])
        if len(link.sessions) < SESSIONS_MAX and rng.random() < 0.1:
            session = Session(link, grant=rng.choice([LARGE, 0, 1000])).begin()
            session.vices = rng.sample(vices, 3)
            deeds['begun'] += 1
        elif session is None or rng.random() < 0.2:
            deeds['sessions'] = max(deeds['sessions'], len(link.sessions))
            attack = rng.choice(attacks)
            deeds[attack.__name__] += 1
            attack(link)
        else:
            misuse = rng.choice(ends if rng.random() < 0.01 else session.vices)
            deeds[misuse.__name__] += 1
            for _ in range(4):
                misuse(session)
    print(json.dumps({'sent': deeds.pop('sent'), 'deeds': deeds, 'expected': {}}))

parser = argparse.ArgumentParser(description='A peer that means harm.')
parser.add_argument('way', choices=['known', 'siege'])
parser.add_argument('--id', required=True)
for option, default in {'to': 0, 'seed': 1, 'times': 20, 'per-peer': 4, 'sockets': 12, 'seconds': 8.0}.items():
    parser.add_argument('--' + option, type=type(default), default=default)
options = parser.parse_args()
options.ident, sockets = [*map(int, options.id.split(':'))], []
rng = random.Random(options.seed)
{'known': known, 'siege': siege}[options.way]()
