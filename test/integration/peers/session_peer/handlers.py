"""What the server serves. A handler is a generator: it yields while it can do nothing, and
returns (status, value)."""
from flows import ENDED
from wire import FAILED, OK, clock


def echo(end, job, value):
    mark = value.get('n') if isinstance(value, dict) else None
    end.order[job.channel].append(mark)
    return OK, value
    yield


def fail(_end, _job, _value):
    return FAILED, {'message': 'as you wish'}
    yield


def note(end, job, value):
    """Writes down the order in which it was run; takes a while now and then."""
    end.running[job.channel] += 1
    if job.channel and end.running[job.channel] > 1:
        end.violations.append(f'own fault: two at a time in channel {job.channel}')
    until = clock() + (0.003 if value['n'] % 7 == 0 else 0)
    while clock() < until:
        yield
    end.order[job.channel].append(value['n'])
    end.running[job.channel] -= 1
    return OK, value['n']


def count(end, job, value):
    """Answers with a stream of {count} values of about {size} bytes."""
    for n in range(value['count']):
        while not job.give({'n': n, 'pad': 'x' * value['size']}):
            yield
    if value.get('fail'):
        return FAILED, {'message': 'as you wish'}
    return OK, None


def total(end, job, value):
    """Takes the caller's stream slowly."""
    numbers, size = [], 0
    while True:
        got = job.take()
        if got is ENDED:
            return OK, {'numbers': numbers, 'size': size}
        if got is None:
            yield
            continue
        numbers.append(got['n'])
        size += len(got['pad'])
        until = clock() + value['every']
        while clock() < until:
            yield


def mirror(end, job, value):
    """Answers each value of the caller's stream with itself."""
    while True:
        got = job.take()
        if got is ENDED:
            return OK, None
        while got is not None and not job.give(got):
            yield
        if got is None:
            yield


handlers = {'echo': echo, 'fail': fail, 'note': note, 'count': count, 'total': total,
            'mirror': mirror}
