"""Datagrams and messages: §1, §3 and §10 of docs/PROTOCOL.md."""
import json
import random
import struct
import time

MAGIC, M32 = 0x636E7201, 0xFFFFFFFF
OPEN, OPENED, REFUSED, RESET, DATA, EVENT, ASK = range(0x8001, 0x8008)  # §3, §10
(REQUEST, REPLY, CANCEL, CLOSE, PING, SEND, REQUEST_PIECE, REPLY_PIECE, REQUEST_CREDIT,
 REPLY_CREDIT) = range(0x8011, 0x801B)
NEWS = 0x8020
LEAST = {OPEN: 52, OPENED: 52, REFUSED: 28, RESET: 28, DATA: 40, EVENT: 36, ASK: 36}
LEAST_MESSAGE = {REQUEST: 12, REPLY: 4, CANCEL: 12, CLOSE: 0, PING: 0, SEND: 12, REQUEST_PIECE: 8,
                 REPLY_PIECE: 8, REQUEST_CREDIT: 4, REPLY_CREDIT: 4}
FOLLOWING = {DATA: LEAST_MESSAGE, EVENT: {NEWS: 4}}
BYTES, JSON, NOTHING = range(3)
PIECES, MORE, STREAM = 0x80, 0x40, 0x20  # beside a format
GOES_ON, FLOW_ENDED = 1, 2  # flags of a piece
OK, FAILED, NO_METHOD, BUSY, EXPIRED, CLOSED, UNREADABLE, EVICTED, ACCEPTED = range(9)
secret, clock = random.SystemRandom(), time.monotonic


def padded(data):
    return data + bytes(-len(data) % 4)


def cn_msg(ident, seq, ack, flags, payload):
    return struct.pack('=4I2H', *ident, seq, ack & M32, len(payload), flags) + payload


def datagram(*parts):  # P1.1, P1.3
    body = b''.join(map(padded, parts)) if len(parts) > 1 else parts[0]
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
        least = FOLLOWING.get(parts[0][3], {})
    # P1.1: of a bundle, nlmsg_len goes up to and with the padding of its last cn_msg.
    # Netlink keeps bytes intact, hence checksum 0.
    if not (good and parts and length == (end if len(parts) == 1 else at) and len(data) == at and
            not any(data[end:]) and header == [3, 0, parts[0][1], 0] and
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
