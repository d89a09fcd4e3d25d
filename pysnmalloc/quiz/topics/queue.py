"""Questions on the message queue: what comes home with which call, and in which order (§2.2, Figure 3)."""

from __future__ import annotations

from ..question import Dice, Form, Problem, mistakes
from ..slabs import SLAB_SIZE
from .messages import STUB, QueueBench, QueueState, QueueStep

__all__ = ["make"]


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem."""
    bench = QueueBench(dice.pick((32, 48, 64)))
    with bench.heap:
        bench.prepare(dice, level)
        first = bench.state()
        bench.play(dice, level)
        if dice.below(4) == 0:
            asked, answer, known = _back(bench.state())
            form = Form.OFFSET
        else:
            step = bench.malloc()
            asked, answer, known = dice.pick((_taken, _home, _front))(step)
            form = Form.DECIMAL if asked.startswith("How many") else Form.OFFSET
        return Problem(
            setting=(
                f"A slab of alice's, of {SLAB_SIZE:,} bytes with objects of {bench.size} bytes, which go by their "
                "offset in it. bob and carol are other allocators; their buckets are empty. Every malloc first "
                "receives up to 64 messages."
            ),
            state=first.lines(),
            calls=tuple(step.call for step in bench.steps),
            asked=asked,
            answer=answer,
            form=form,
            steps=tuple(step.told() for step in bench.steps),
            mistakes=mistakes(answer, *known),
        )


_Asked = tuple[str, int, list[tuple[int | None, str]]]


def _waiting(state: QueueState) -> list[int]:
    """What was freed and not posted."""
    return [message for bucket in state.buckets.values() for message in bucket]


def _taken(step: QueueStep) -> _Asked:
    """What does alice's malloc return?"""
    got = [message for message in step.received if message != STUB]
    head = step.before.entries[0]
    waiting = _waiting(step.before)
    known: list[tuple[int | None, str]] = [
        (step.before.queue[-1], "That message is the newest; it stays behind in the queue until another arrives."),
        (
            got[0] if got else None,
            "That came out of the queue first (FIFO), but objects go to the free list, a stack (LIFO): the last one "
            "received is used first.",
        ),
        (
            head & ~1 if got else None,
            "That was next on the free list before; malloc receives messages first, which go in front.",
        ),
        (
            waiting[-1] if waiting else None,
            "That was freed but not posted: it waits in a bucket, out of alice's sight.",
        ),
        (head if head & 1 else None, "That is head itself, and it is odd: the bump pointer plus 1."),
        (step.after.entries[0], "That is head after the call: one step too far."),
    ]
    return f"At which offset is {step.call[0]}?", step.taken or 0, known


def _home(step: QueueStep) -> _Asked:
    """How many objects come home with alice's malloc?"""
    got = len(step.received) - (STUB in step.received)
    queued = len(step.before.queue) - (STUB in step.before.queue)
    known: list[tuple[int | None, str]] = [
        (queued, "The newest message stays behind in the queue: without a next, it does not come out."),
        (len(step.received), "The stub came out too, but is no object: it is skipped."),
        (len(step.before.queue), "Neither the stub is an object, nor does the newest message come out."),
        (queued + len(_waiting(step.before)), "What was not posted waits in a bucket, and the newest message stays."),
        (0, "Whatever has a message behind it in the queue comes out: all but the newest."),
    ]
    return f"How many objects come home with the call for {step.call[0]}?", got, known


def _front(step: QueueStep) -> _Asked:
    """Which message is at the front after alice's malloc?"""
    queue = step.before.queue
    waiting = _waiting(step.before)
    known: list[tuple[int | None, str]] = [
        (queue[0] if queue[0] != STUB else None, "That was the front before; it came out when others were behind it."),
        (next((at for at in queue if at != STUB), None), "That is the oldest; it came out first."),
        (queue[-2] if len(queue) > 1 and queue[-2] != STUB else None, "That one came out last; its next is the front."),
        (waiting[-1] if waiting else None, "That was freed but not posted: it is in a bucket."),
        (step.taken, "That is what the malloc returned."),
    ]
    return f"Which message is the front of alice's queue after the call for {step.call[0]}?", step.after.queue[0], known


def _back(state: QueueState) -> _Asked:
    """Which message is the newest?"""
    queue, waiting = state.queue, _waiting(state)
    known: list[tuple[int | None, str]] = [
        (queue[0] if queue[0] != STUB else None, "That is the front; the exchange is on back."),
        (waiting[-1] if waiting else None, "That was freed last, but not posted: it is in a bucket."),
        (queue[-2] if queue[-2] != STUB else None, "A list is sent as it is: its last message becomes back."),
    ]
    return "Which message is the back of alice's queue then?", queue[-1], known
