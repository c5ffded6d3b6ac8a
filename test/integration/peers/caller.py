"""A bare peer: it knows the 20-byte header and the rule of the 2005 text, and nothing else.

Calls the agent at a portid, with garbage between the calls, and checks each answer.
"""

import json
import os
import random
import socket
import struct
import sys

NETLINK_USERSOCK = 2
NLMSG = struct.Struct("=IHHII")
CN_MSG = struct.Struct("=IIIIHH")
HEADERS = NLMSG.size + CN_MSG.size


def message(idx, val, seq, ack, payload):
    length = HEADERS + len(payload)
    header = NLMSG.pack(length, 3, 0, seq, os.getpid())
    body = CN_MSG.pack(idx, val, seq, ack, len(payload), 0) + payload
    return header + body + bytes(-length % 4)


def garbage(chance, idx, val):
    whole = message(idx, val, chance.getrandbits(32), 1, b"garbage!")
    return chance.choice([
        whole[:10],
        whole[:30],
        struct.pack("=I", 0xFFFFFFFF) + whole[4:],
        whole[:32] + struct.pack("=H", 0xFFFF) + whole[34:],
        message(idx, val + 1, 5, 6, b"nobody's"),
        chance.randbytes(chance.randint(1, 200)),
    ])


def main():
    portid, idx, val, count, seed = map(int, sys.argv[1:])
    chance = random.Random(seed)
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_USERSOCK)
    link.bind((0, 0))
    link.settimeout(20)
    wrong = []
    for seq in range(0xFFFFFFFF - count // 2, 0xFFFFFFFF - count // 2 + count):
        seq &= 0xFFFFFFFF
        ack = chance.choice([0, 0xFFFFFFFF, chance.getrandbits(32)])
        payload = chance.randbytes(chance.randint(0, 300))
        link.sendto(garbage(chance, idx, val), (portid, 0))
        link.sendto(message(idx, val, seq, ack, payload), (portid, 0))
        answer, (sender, _) = link.recvfrom(65536)
        expected = (idx, val, seq, (ack + 1) & 0xFFFFFFFF, len(payload), 0)
        header = CN_MSG.unpack_from(answer, NLMSG.size)
        body = answer[HEADERS:HEADERS + header[4]]
        if header != expected or body != payload or sender != portid:
            wrong.append([list(header), list(expected)])
    print(json.dumps({"calls": count, "wrong": wrong}), flush=True)


main()
