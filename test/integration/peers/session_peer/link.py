"""A netlink socket, and between it and the protocol a network that is as bad as asked for."""
import heapq
import random
import select
import socket

from wire import clock, secret


class Link:
    def __init__(self, options):
        self.options, self.past, self.later = options, [], []
        self.rng = random.Random(options.seed)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.socket.setblocking(False)
        self.socket.bind((options.portid, 0))

    def delays(self):
        """Of the copies of one datagram that arrive."""
        chance, options = self.rng.random, self.options
        copies = 0 if chance() < options.drop else 2 if chance() < options.duplicate else 1
        return [chance() * options.delay_ms / 1000 if chance() < options.reorder else 0.0
                for _ in range(copies)]

    def put(self, delay, *what):
        heapq.heappush(self.later, (clock() + delay, secret.random(), *what))

    def send(self, data, address):
        """False if the queue was full: then nothing was sent."""
        self.past = [*self.past[-400:], (data, address)]
        if self.rng.random() < self.options.replay:
            self.put(self.rng.random() * 0.01, self.write, *self.rng.choice(self.past))
        delays = self.delays()
        for delay in filter(None, delays):
            self.put(delay, self.write, data, address)
        return all([self.write(data, address) for delay in delays if not delay])

    def write(self, data, address):
        try:
            return self.socket.sendto(data, address) > 0
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)  # nobody there: as good as lost

    def receive(self, until, take):
        until = min(until, self.later[0][0] if self.later else until)
        while select.select([self.socket], [], [], max(0.0, until - clock()))[0]:
            data, origin = self.socket.recvfrom(1 << 17)
            for delay in self.delays() if self.options.both_ways else [0.0]:
                self.put(delay, take, data, origin)
            until = 0.0
        while self.later and self.later[0][0] <= clock():
            _, _, then, data, address = heapq.heappop(self.later)
            then(data, address)
