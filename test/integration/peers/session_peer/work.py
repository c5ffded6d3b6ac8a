"""What the client calls: by name, lists of Call for one session. No two echo the same."""
import struct

from calls import Call
from wire import FAILED, NO_METHOD, OK


def value_of(size, key):
    """A value of that many bytes on the wire: bytes if `key` is even, else JSON."""
    mark = f'{key:08x}'
    if key % 2 == 0:
        return (mark.encode() + bytes(range(256)) * (size // 256 + 1))[:size]
    return (mark + 'lang ' * (size // 5 + 1))[:size - 2]


def calls(options, session, chance):
    for n in range(options.calls):
        channel = n % (options.channels + 1)
        mark, key = {'session': session, 'channel': channel, 'n': n}, struct.pack('=2I', session, n)
        value = [mark, key + bytes(range(256)) * (n % 12), [mark, [1.5, None, {}]],
                 {**mark, 'text': 'grün ✓ \U0001f600 ' * (n % 90)}, key][n % 5]
        give_up = chance() < options.cancel and ('before' if chance() < 0.5 else 'after')
        yield Call('echo', value, channel, give_up)
    for method in ('fail', 'absent', 'echo'):
        yield Call(method, None)


def long(options, session, chance):
    """Values of the sizes that are asked for, out of channels and in one; there, with --cancel,
    every other call is given up when part of its value is under way."""
    for n, size in enumerate(map(int, options.sizes.split(','))):
        for channel in (0, 1):
            key = session * 1000 + n * 4 + channel * 2
            give_up = channel and n % 2 and options.cancel and 'half-way'
            yield Call('echo', value_of(size, key + (n + session) % 2), channel, give_up)


def sends(options, session, chance):
    """Messages in channels and out of them, a few of them long, between calls."""
    for n in range(options.calls):
        channel = n % (options.channels + 1)
        mark = {'session': session, 'channel': channel, 'n': n}
        if n % 31 == 5:
            mark['pad'] = 'p' * 70_000
        give_up = chance() < options.cancel and ('before' if chance() < 0.5 else 'after')
        yield Call('note', mark, channel, give_up, send=n % 6 != 3)
    yield Call('absent', None, 0, send=True)
    yield Call('absent', None, 1, send=True)


def items(number, size):
    for n in range(number):
        yield {'n': n, 'pad': 'y' * (size * (n % 3))}


def streams(options, session, chance):
    """A stream to the server, one from it, and both at once, each taken slowly by somebody."""
    number, size, every = options.calls, options.item, options.take_ms / 1000
    key = {'session': session, 'count': number, 'size': size}
    yield Call('count', key, 0, stream=True, take_s=every)
    yield Call('count', {**key, 'fail': True}, 2, stream=True)
    yield Call('total', {'session': session, 'every': every}, 1, more=items(number, size))
    pad = 'z' * 70_000
    yield Call('mirror', {**key, 'pad': pad}, 0, more=items(number, size), stream=True, take_s=every)
    yield Call('count', {**key, 'count': 0}, 0, stream=True)
    yield Call('echo', {**key, 'why': 'answered before its values are taken'}, 0,
               more=items(number, size))
    yield Call('echo', {**key, 'why': 'one value where any number is taken'}, 0, stream=True)


def expected(call, options):
    """(statuses, value, values of the stream) of a call that nobody gives up."""
    number, size = options.calls, options.item
    if call.method == 'absent':
        return [NO_METHOD], None, []
    if call.send:
        return ([8, OK] if call.channel else [OK]), None, []
    counted = [{'n': n, 'pad': 'x' * size} for n in range(call.value['count'])] \
        if call.method == 'count' else []
    mirrored = [*items(number, size)] if call.method == 'mirror' else []
    numbers = {'numbers': [*range(number)], 'size': sum(len(i['pad']) for i in items(number, size))}
    if call.method == 'fail' or call.method == 'count' and call.value.get('fail'):
        return [FAILED], {'message': 'as you wish'}, counted
    if call.method == 'echo' and call.stream:
        return [OK], None, [call.value]
    value = {'echo': call.value, 'total': numbers}.get(call.method)
    return [OK], call.value['n'] if call.method == 'note' else value, counted or mirrored


kinds = {'calls': calls, 'long': long, 'sends': sends, 'streams': streams}
