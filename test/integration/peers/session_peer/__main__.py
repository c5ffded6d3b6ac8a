#!/usr/bin/env python3
"""A session peer over NETLINK_USERSOCK, written from docs/PROTOCOL.md alone (Python 3.9 or later).

  session_peer client --to PORTID --id IDX:VAL ...      works off what --work says; closes
  session_peer server --portid PORTID --id IDX:VAL ...  serves handlers.py until SIGTERM
  session_peer publisher --id IDX:VAL ...               publishes --calls events, says the end
  session_peer subscriber --id IDX:VAL ...              until that is said, or nobody answers

The server says "ready" on stderr. Both print one line of JSON at the end: what happened, and under
`violations` what the other side did against the specification. The network may be made worse than
netlink is (--drop and so on): for what is sent, or --both-ways. Nothing outlasts --deadline."""
import argparse
import collections
import signal
import sys

import work
from endpoint import Endpoint
from events import Publisher, Subscriber
from wire import ACCEPTED, clock, decode


def judge(call, options):
    """What is wrong with a call that settled, or None."""
    if call.give_up:
        good = [[4], [0], [8, 0]] if call.send else [[4], [0]]
        return None if call.statuses in good else f'given up, statuses {call.statuses}'
    statuses, value, values = work.expected(call, options)
    if call.statuses not in (statuses, statuses[1:] or statuses):  # P6.10: 8 may be left out
        return f'statuses {call.statuses}'
    if decode(*call.last) != value:
        return f'ended with {str(decode(*call.last))[:100]}'
    got = [decode(*item) for item in call.values]
    return None if got == values else f'values {len(got)} of {len(values)}: {str(got)[:100]}'


def client(end, options):
    wrong, done, most = [], collections.Counter(), collections.Counter()
    for number in range(options.sessions):
        name, open_calls, settled = end.connect(), 0, 0
        todo = collections.deque(work.kinds[options.work](options, number, end.link.rng.random))
        while (todo or open_calls) and (name in end.opening or name in end.sessions) and \
                end.step(clock() + 0.005):
            session = end.sessions.get(name)
            if not session:
                continue
            for call in session.caller.tick(clock()):
                open_calls -= 1
                fault = judge(call, options)
                wrong.extend([f'{call}: {fault}'] if fault else [])
                kind = 'given up' if call.give_up else f'{call.method} {call.statuses[-1]}'
                done[kind] += 1
                most['accepted'] += ACCEPTED in call.statuses
                most['held'] = max(most['held'], call.inflow.most)
            while todo and open_calls < options.in_flight and session.caller.start(todo[0]):
                call = todo.popleft()
                if call.give_up and not call.channel:
                    done['given up'] += 1
                else:
                    open_calls += 1
        left = [str(call) for call in end.sessions[name].caller.open.values()] \
            if name in end.sessions else []
        wrong.extend([f'not answered: {left} {len(todo)}'] if todo or open_calls else [])
        end.close()
        while name in end.sessions and end.step():
            pass
    end.report(done=done, wrong=wrong[:9], most=most)


def server(end, _options):
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print('ready', file=sys.stderr, flush=True)
    while end.step() and not (stopping and not end.sessions):
        if stopping:
            end.close()
    end.report()


parser = argparse.ArgumentParser(description='A session peer, from docs/PROTOCOL.md alone.')
parser.add_argument('role', choices=['client', 'server', 'publisher', 'subscriber'])
parser.add_argument('--id', required=True)
parser.add_argument('--both-ways', action='store_true')
for option, default in {'to': 0, 'portid': 0, 'calls': 100, 'in-flight': 16, 'channels': 3,
                        'sessions': 1, 'seed': 1, 'deadline': 15, 'delay-ms': 3.0, 'drop': 0.0,
                        'duplicate': 0.0, 'reorder': 0.0, 'replay': 0.0, 'cancel': 0.0,
                        'credit': 16_384, 'deaf-after': 0, 'value-max': 2_000_000, 'work': 'calls', 'item': 700,
                        'take-ms': 2.0, 'sizes': '61440,61441,300000,1048576'}.items():
    parser.add_argument('--' + option, type=type(default), default=default)
given = parser.parse_args()
given.errors = sys.stderr
if given.role in ('client', 'server'):
    {'client': client, 'server': server}[given.role](Endpoint(given), given)
else:
    {'publisher': Publisher, 'subscriber': Subscriber}[given.role](given).run()
