"""A bare agent that answers by the rule of the 2005 text, and as badly as that allows.

It drops requests, answers late, twice and in another order, and sends garbage and forged answers
before and after. Prints its portid, then serves until stdin ends, then prints what it has seen.
"""

import heapq
import json
import random
import select
import socket
import struct
import sys
import time

NETLINK_USERSOCK = 2
NLMSG = struct.Struct("=IHHII")
CN_MSG = struct.Struct("=IIIIHH")
HEADERS = NLMSG.size + CN_MSG.size
LATE_MAX = 0.015


def message(idx, val, seq, ack, payload):
    length = HEADERS + len(payload)
    header = NLMSG.pack(length, 3, 0, seq & 0xFFFFFFFF, 0)
    body = CN_MSG.pack(idx, val, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, len(payload), 0) + payload
    return header + body + bytes(-length % 4)


def bound():
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_USERSOCK)
    link.bind((0, 0))
    return link


class Agent:
    def __init__(self, drop, seed):
        self.drop = drop
        self.chance = random.Random(seed)
        self.link = bound()
        self.other = bound()
        self.waiting = []
        self.number = 0
        self.requests = {}

    def garbage(self, idx, val, seq, ack):
        whole = message(idx, val, seq, ack + 1, b"garbage")
        return self.chance.choice([
            message(idx, val, seq + 1000, ack + 1, b"garbage"),
            message(idx, val, seq, ack, b"garbage"),
            message(idx, val, seq, ack + 2, b"garbage"),
            message(idx, val + 1, seq, ack + 1, b"garbage"),
            whole[:10],
            whole[:35],
            struct.pack("=I", 0xFFFFFFFF) + whole[4:],
            whole[:32] + struct.pack("=H", 0xFFFF) + whole[34:],
            self.chance.randbytes(self.chance.randint(1, 200)),
        ])

    def take(self):
        request, (peer, _) = self.link.recvfrom(65536)
        idx, val, seq, ack, length, _ = CN_MSG.unpack_from(request, NLMSG.size)
        payload = request[HEADERS:HEADERS + length]
        key = (peer, seq, ack)
        self.requests[key] = self.requests.get(key, 0) + 1
        self.later(self.link, self.garbage(idx, val, seq, ack), peer)
        if self.chance.random() < self.drop:
            return
        # Forged: the right genes from somebody whom nobody asked.
        self.send(self.other, message(idx, val, seq, ack + 1, b"garbage"), peer)
        answer = message(idx, val, seq, ack + 1, b"answer:" + payload)
        for _ in range(self.chance.choice([1, 2, 3])):
            self.later(self.link, answer, peer)
        self.later(self.link, self.garbage(idx, val, seq, ack), peer)

    def later(self, link, datagram, peer):
        due = time.monotonic() + self.chance.random() * LATE_MAX
        # The number keeps the heap from comparing sockets.
        self.number += 1
        heapq.heappush(self.waiting, (due, self.number, link, datagram, peer))

    def send_due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            *_, link, datagram, peer = heapq.heappop(self.waiting)
            self.send(link, datagram, peer)

    def send(self, link, datagram, peer):
        try:
            link.sendto(datagram, (peer, 0))
        except OSError:
            pass  # the caller has had its answer and is gone

    def serve(self):
        while True:
            left = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            ready, _, _ = select.select([self.link, sys.stdin], [], [], left)
            self.send_due()
            if self.link in ready:
                self.take()
            elif sys.stdin in ready:
                return


def main():
    agent = Agent(float(sys.argv[1]), int(sys.argv[2]))
    print(agent.link.getsockname()[0], flush=True)
    agent.serve()
    counts = list(agent.requests.values())
    print(json.dumps({"requests": len(counts), "transmissions": sum(counts)}), flush=True)


main()
