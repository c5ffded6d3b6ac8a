"""§10: events, either end. No two streams of one address are expected, but for a restart."""
import collections
import json
import struct

from link import Link
from wire import (ASK, EVENT, M32, MAGIC, NEWS, clock, cn_msg, datagram, decode, encode, parse,
                  secret)

RTT, APART, ENDED = 0.002, 10.0, 1


def spacing():
    """P10.7, P10.9: the waits before beacons, and between copies of an ASK."""
    wait = 2 * RTT
    while True:
        yield wait
        wait = min(APART, wait * 4)


class Teller:
    def __init__(self, options):
        self.options, self.link = options, Link(options)
        self.ident, self.seq = [*map(int, options.id.split(':'))], secret.getrandbits(32)
        self.stop, self.violations = clock() + options.deadline, []

    def send(self, to, kind, genes, stream, number, tail, news=()):
        head = struct.pack('=9I', MAGIC, number >> 32, 0, stream >> 32, stream & M32,
                           number & M32, *tail)
        return self.link.send(datagram(cn_msg(self.ident, *genes, kind, head), *news), to)

    def genes(self):
        self.seq = self.seq + 1 & M32
        return self.seq, secret.getrandbits(32)

    def take(self, data, origin):
        try:
            parts = parse(data)
        except (ValueError, struct.error) as error:
            return self.violations.append(str(error))
        ident, seq, ack, kind, head = parts[0]
        if ident == self.ident and kind in (EVENT, ASK):
            high, _, *stream, low, age, within, flags = struct.unpack('=8I', head[4:36])
            self.heard(kind, (seq, ack), origin, stream[0] << 32 | stream[1], high << 32 | low,
                       (age, within, flags), parts[1:])


class Publisher(Teller):
    def __init__(self, options):
        super().__init__(options)
        self.stream, self.made, self.next, self.flags = secret.getrandbits(64), clock(), 1, 0
        self.due, self.left, self.spacing, self.asked = 0.0, 0, spacing(), 0

    def tell(self, to=None, genes=None, news=()):
        self.spacing = spacing() if news else self.spacing
        wait = next(self.spacing) if self.left else 0.0
        tail = int((clock() - self.made) * 1000), int(wait * 1000 + 0.999), self.flags
        if not to:
            self.due = clock() + wait
        group = 1 << self.ident[0] - 1
        self.send(to or (0, group), EVENT, genes or self.genes(), self.stream, self.next, tail, news)

    def publish(self, *events):
        """Several events in one datagram, and the word of six beacons behind it."""
        self.left, news = 6, []
        for at, (topic, value) in enumerate(events):
            (form, data), name = encode(value), topic.encode()
            head = struct.pack('=BBH', len(name), form, 0)
            news.append(cn_msg(self.ident, self.next + at & M32, secret.getrandbits(32), NEWS,
                               head + name + data))
        self.tell(news=news)
        self.next += len(events)

    def heard(self, kind, genes, origin, stream, number, tail, news):
        if kind == ASK:
            self.asked += 1
            if tail != (0, 0, 0) or news or number < 1 and stream:
                self.violations.append(f'§10: ASK for {number} with {tail}')
            spaced, self.spacing = self.spacing, iter([max(0.0, self.due - clock())])
            self.tell((origin[0], 0), (genes[0], genes[1] + 1 & M32))
            self.spacing = spaced

    def run(self):
        n, total = 0, self.options.calls
        while clock() < self.stop and (n < total or self.left):
            if n < total:
                batch = range(n + 1, min(total, n + 1 + n % 3) + 1)
                self.publish(*[(f'topic {i % 4}', {'n': i, 'pad': 'e' * (i % 50)}) for i in batch])
                n = batch[-1]
                if n == total:  # the end is said a few times, and then this endpoint lives no more
                    self.flags, self.left, self.spacing, self.due = ENDED, 5, spacing(), 0.0
            if self.left and self.due <= clock():
                self.left -= 1
                self.tell()
            until = clock() + 0.001 if n < total else min(self.due, clock() + 0.02)
            self.link.receive(until, self.take)
        print(json.dumps({'published': self.next - 1, 'asked': self.asked,
                          'violations': self.violations[:9]}))


class Track:
    """One stream, as a subscriber follows it."""

    def __init__(self, expected):
        self.expected, self.ended, self.promised, self.ask, self.age = expected, False, None, None, 0
        self.values = {}


class Subscriber(Teller):
    def __init__(self, options):
        super().__init__(options)
        self.link.socket.setsockopt(270, 1, self.ident[0])  # NETLINK_ADD_MEMBERSHIP
        self.since, self.tracks, self.count = clock(), {}, collections.Counter()
        self.topics = collections.Counter()

    def heard(self, kind, genes, origin, stream, number, tail, news):
        if kind != EVENT:
            return
        age, within, flags = tail
        source, group = origin
        if group and 0 < self.options.deaf_after < number:
            return
        if not 1 <= number < 1 << 53 or flags > 1 or stream == 0 or news and group == 0:
            self.violations.append(f'P10.3: number {number}, flags {flags}, group {group}')
        key = source, stream
        if key not in self.tracks:  # P10.6
            young = age / 1000 <= clock() - self.since
            self.tracks[key] = Track(1 if young else number)
        track = self.tracks[key]
        if group == 0 and (not track.ask or genes != (track.ask[0], track.ask[1] + 1 & M32)):
            return self.count.update(['unasked'])
        self.count['answers'] += group == 0
        track.ask = None if group == 0 else track.ask
        if number > track.expected:  # P10.4
            self.count['missed'] += number - track.expected
            track.expected = number
        for at, (_, seq, _, _, payload) in enumerate(news):
            self.event(track, number + at, seq, payload)
        track.ended = track.ended or flags == ENDED
        owed = within and not track.ended
        track.promised = clock() + 2 * within / 1000 + RTT + 0.05 if owed else None

    def event(self, track, number, seq, payload):
        size, form, zero = struct.unpack_from('=BBH', payload)
        if seq != number & M32 or zero or track.values.setdefault(number, payload) != payload:
            self.violations.append(f'P10.1, §10: event {number} with seq {seq}')
        if number < track.expected:
            return self.count.update(['stale'])
        track.expected = number + 1
        self.count['received'] += 1
        self.topics[payload[4:4 + size].decode()] += 1
        self.count['wrong'] += decode(form, payload[4 + size:])['n'] != number

    def asks(self, now):  # P10.9
        for (source, stream), track in self.tracks.items():
            if not track.promised or track.promised > now:
                continue
            track.ask = track.ask or [*self.genes(), spacing(), 0]
            track.ask[3] += 1
            if track.ask[3] > 6:  # P10.10
                track.promised = None
                self.count['gone'] += 1
                continue
            track.promised = now + next(track.ask[2])
            self.count['asked'] += 1
            self.send((source, 0), ASK, track.ask[:2], stream, track.expected, (0, 0, 0))

    def run(self):
        print('ready', file=self.options.errors, flush=True)
        while clock() < self.stop and not (self.tracks and all(
                track.ended or self.count['gone'] or self.options.deaf_after and
                self.count['answers'] for track in self.tracks.values())):
            self.link.receive(clock() + 0.01, self.take)
            self.asks(clock())
        print(json.dumps({**self.count, 'topics': self.topics,
                          'ended': all(track.ended for track in self.tracks.values()),
                          'violations': self.violations[:9],
                          'last': [track.expected - 1 for track in self.tracks.values()]}))
