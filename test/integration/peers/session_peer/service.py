"""Calls served: P6.2, P6.4, P6.6, P6.7, P6.10, P7.1, P7.3, and their flows of §9."""
import collections
import struct

from flows import ENDED, reply_out, request_in
from handlers import handlers
from wire import (ACCEPTED, CANCEL, CLOSED, EXPIRED, M32, MORE, NO_METHOD, OK, PIECES, REPLY,
                  REQUEST_PIECE, SEND, STREAM, UNREADABLE, decode, encode)

WINDOW, AT_ONCE = 256, 60_000


class Job:
    """A request, or a CANCEL that came before it."""

    def __init__(self, now, kind, seq, ack, payload):
        self.kind, self.seq, self.ack = kind, seq, ack
        budget, self.channel, size, form, self.position = struct.unpack_from('=IHBBI', payload)
        self.method, self.first = payload[12:12 + size].decode(), (form & 0x1F, payload[12 + size:])
        self.until = now + (budget / 1e6 if budget != M32 else 1e9)
        self.bits, self.cancelled, self.accepted = form & 0xE0, kind == CANCEL, False
        self.running, self.inflow, self.out, self.refusal = None, None, None, None

    def take(self):
        """A value of the caller's stream, ENDED, or None if there is none yet."""
        got = self.inflow.take() if self.inflow else ENDED
        return got if got in (ENDED, None) else decode(*got)

    def give(self, value):
        """Sends a value of a stream; False, and nothing is sent, while the last one has not left."""
        if self.out.idle:
            self.out.put(value)
            return True
        return False


class Service:
    def __init__(self, session, first_seq, credit, value_max):
        self.session, self.end, self.next_seq = session, session.end, first_seq
        self.credit, self.value_max = credit, value_max
        self.seen, self.known, self.jobs, self.replies, self.turn = set(), {}, {}, {}, {}

    def serve(self, now, kind, seq, ack, payload):
        job = Job(now, kind, seq, ack, payload)
        place = ack, job.channel, job.position
        if self.known.setdefault(seq, place) != place:
            self.end.violations.append(f'P2.1, P7.1: seq {seq} with another ack or position')
        ahead = seq - self.next_seq & M32
        if seq in self.seen or ahead >> 31:
            return self.again(now, kind, seq)
        if ahead >= WINDOW:
            return self.end.violations.append(f'P6.3: seq {seq}, oldest unseen {self.next_seq}')
        self.seen.add(seq)
        while self.next_seq in self.seen:
            self.seen.remove(self.next_seq)
            self.next_seq = self.next_seq + 1 & M32
        self.accept(job)
        self.tick(now)

    def again(self, now, kind, seq):
        job, kept = self.jobs.get(seq), self.replies.get(seq)
        if kind == CANCEL:
            if job and not job.accepted:
                job.cancelled = True
                if job.out:
                    job.out.stopped = True  # P9.7
            return self.tick(now)
        if kept and kept not in self.session.queue and now - kept.sent_at >= self.session.srtt:
            self.session.queue.append(kept)  # P6.4
        self.end.drops.update(['repeated-request'])

    def accept(self, job):
        session, end = self.session, self.end
        self.jobs[job.seq] = job
        if job.channel:
            places = {other.position for other in self.jobs.values()
                      if other.channel == job.channel and other is not job}
            turn = self.turn.setdefault(job.channel, 0)
            if (job.position - turn & M32) >> 31 or job.position in places:
                end.violations.append(f'P7.1: channel {job.channel}, position {job.position} again')
        if job.cancelled:
            return
        job.refusal = CLOSED if session.closing else None if job.method in handlers else NO_METHOD
        if job.bits & (PIECES | MORE) and job.refusal is None:
            job.inflow = request_in(session.put, job.seq, job.ack, end, end.violations)
        if job.kind == SEND and job.bits & (MORE | STREAM):
            end.violations.append(f'P6.10: a SEND with bits {job.bits:x}')
        job.out = reply_out(session.put, job.seq, job.ack, self.credit, self.value_max)

    def flow(self, kind, seq, ack, payload):
        job = self.jobs.get(seq)
        if not job or job.ack != ack or job.cancelled:
            return self.end.drops.update(['piece-of-none'])
        if kind == REQUEST_PIECE and job.inflow:
            job.inflow.piece(payload)
        elif kind != REQUEST_PIECE and job.out:
            job.out.raise_limit(*struct.unpack_from('=I', payload))

    # Each turn: what can be accepted, started, gone on with.

    def tick(self, now):
        """True while there is something that waits only for time, or for a piece."""
        for job in sorted(self.jobs.values(), key=self.place):
            self.step(now, job)
        return bool(self.jobs)

    def place(self, job):
        return job.position - self.turn.get(job.channel, 0) & M32

    def step(self, now, job):
        if job.bits & PIECES and job.inflow and not (job.cancelled or job.refusal):
            got = job.inflow.take()
            if got is not None:
                job.first, job.bits = got, job.bits & ~PIECES
        if job.kind == SEND and not (job.accepted or job.cancelled or job.refusal) and \
                not job.bits & PIECES and self.readable(job):
            job.accepted = True
            self.reply(job, ACCEPTED if job.channel else OK)
        turn = not job.channel or job.position == self.turn[job.channel]
        if job.refusal and job.channel and not job.running and not turn:
            return
        if job.cancelled:
            if job.running:
                job.running.close()
            if turn:
                self.leave(job)
                if job.channel:  # P6.7
                    self.reply(job, EXPIRED)
        elif job.running:
            self.advance(job)
        elif turn:
            self.start(now, job)

    def start(self, now, job):
        if not job.accepted and job.until < now:
            job.refusal = EXPIRED
        if job.refusal is None and job.bits & PIECES:
            return
        if job.refusal is None and self.readable(job):
            self.run(job)
            return self.advance(job)
        self.leave(job)
        self.reply(job, job.refusal)

    def run(self, job):
        self.end.executions[self.session.number, job.seq] += 1
        job.running = handlers[job.method](self.end, job, decode(*job.first))

    def readable(self, job):
        try:
            decode(*job.first)
        except (ValueError, KeyError):
            job.refusal = UNREADABLE
        return job.refusal is None

    def advance(self, job):
        try:
            next(job.running)
        except StopIteration as done:
            status, value = done.value
            if job.kind == SEND:
                self.leave(job)
                if job.channel and not self.session.ended:
                    self.reply(job, OK)  # P6.10: its handler has ended
                return
            if status == OK and len(encode(value)[1]) > AT_ONCE:
                job.out.put(value)
                value = None
            if job.out.idle:
                self.leave(job)
                self.reply(job, status, value, job.out.position)
            else:
                job.running = finishing(job, status, value)

    def leave(self, job):
        self.jobs.pop(job.seq, None)
        if job.channel:
            self.turn[job.channel] = self.turn[job.channel] + 1 & M32

    def reply(self, job, status, value=None, pieces=0):
        form, data = encode(value)
        count = struct.pack('=I', pieces) if pieces else b''
        message = self.session.put(REPLY, job.seq, job.ack + 1, struct.pack(
            '=BBH', status, form | (PIECES if pieces else 0), 0) + count + data)
        self.replies[job.seq] = message
        message.done = lambda: (self.replies.pop(job.seq) if self.replies.get(job.seq) is message
                                else None)

    def ended(self):
        """P6.10: what was accepted runs, in order, also if its session ends before."""
        for job in sorted(self.jobs.values(), key=self.place):
            if job.accepted:
                if not job.running:
                    self.run(job)
                collections.deque(job.running, 0)
        self.jobs = {}


def finishing(job, status, value):
    """Waits until every piece of the reply has left, so that they can be counted."""
    while not job.out.idle:
        yield
    return status, value
