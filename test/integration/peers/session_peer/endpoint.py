"""§4: opening, either end; and the loop."""
import collections
import json
import struct

from link import Link
from service import WINDOW
from session import GRANT, Session
from wire import (M32, MAGIC, OPEN, OPENED, REFUSED, RESET, clock, cn_msg, datagram, parse,
                  secret)


class Endpoint:
    def __init__(self, options):
        self.options, self.link = options, Link(options)
        self.ident, self.credit = [*map(int, options.id.split(':'))], options.credit
        self.value_max = options.value_max
        self.incarnation, self.seq = struct.unpack('=2I', secret.randbytes(8)), 0
        self.sessions, self.offers, self.opening, self.violations = {}, {}, {}, []
        self.ended, self.executions, self.drops = (collections.Counter() for _ in range(3))
        self.running = collections.Counter()
        self.order, self.last = collections.defaultdict(list), secret.getrandbits(16)
        self.stop = clock() + options.deadline

    def send(self, kind, seq, ack, address, *fields):
        payload = struct.pack(f'={len(fields) + 1}I', MAGIC, *fields)
        self.link.send(datagram(cn_msg(self.ident, seq, ack, kind, payload)), (address, 0))

    def offer(self, kind, seq, ack, address, receiver, mine):
        self.send(kind, seq, ack, address, receiver, 0, *mine[:2], *self.incarnation, *mine[2:],
                  GRANT, WINDOW, self.value_max, self.credit)

    def mine(self):
        """Session, tag, first number and first seq, of which the latter two soon wrap."""
        self.last, low = self.last + 1, secret.randint(1, 60)
        return self.last, secret.getrandbits(32), 2 ** 32 - low, 2 ** 32 - low // 4 - 1

    def connect(self):  # P4.1
        mine, self.seq = self.mine(), self.seq + 1
        self.opening[mine[0]] = [self.seq, secret.getrandbits(32), mine, 0.0]
        return mine[0]

    def step(self, until=9e9):
        """One turn of the loop; False when time is up."""
        now = clock()
        for entry in self.opening.values():
            if entry[3] + 0.02 <= now:
                entry[3] = now
                self.offer(OPEN, entry[0], entry[1], self.options.to, 0, entry[2])
        due = [session.tick(now) for session in list(self.sessions.values())]
        self.link.receive(min([now + 0.02, until, *due]), self.take)
        return now < self.stop

    def take(self, data, origin):
        source = origin[0]
        try:
            parts = parse(data)
        except (ValueError, struct.error) as error:
            return self.violations.append(str(error))
        ident, seq, ack, kind, payload = parts[0]
        receiver, _, sender, *fields = struct.unpack_from(f'={len(payload) // 4 - 1}I', payload, 4)
        session, entry = self.sessions.get(receiver), self.opening.get(receiver)
        if kind == OPEN and (ident != self.ident or self.options.role == 'client'):
            self.send(REFUSED, seq, ack + 1, source, sender, 0, 0, *self.incarnation, 3)
        elif kind == OPEN:  # P4.2
            key = (source, sender, seq, ack, *fields)
            mine = self.offers[key] = self.offers.pop(key, None) or self.mine()
            self.offer(OPENED, seq, ack + 1, source, sender, mine)
            self.offers = dict([*self.offers.items()][-64:])
        elif kind in (OPENED, REFUSED):
            if not entry or [seq, ack, source] != [entry[0], entry[1] + 1 & M32, self.options.to]:
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
