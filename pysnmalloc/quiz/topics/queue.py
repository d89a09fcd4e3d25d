"""Questions on the message queue: which objects a call receives, and in which order (§2.2, Figure 3)."""

from __future__ import annotations

from ..question import Dice, Form, Problem, mistakes
from ..slabs import SLAB_SIZE
from .messages import STUB, QueueBench, QueueState, QueueStep

__all__ = ["make"]


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
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
                f"alice owns a slab of {SLAB_SIZE:,} bytes with objects of {bench.size} bytes, each named by its "
                "offset in the slab. bob and carol are other allocators; their buckets are empty. Every malloc first "
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
    """Return the messages that were freed but not posted."""
    return [message for bucket in state.buckets.values() for message in bucket]


def _taken(step: QueueStep) -> _Asked:
    """What does alice's malloc return?"""
    got = [message for message in step.received if message != STUB]
    head = step.before.entries[0]
    waiting = _waiting(step.before)
    known: list[tuple[int | None, str]] = [
        (step.before.queue[-1], "That is the newest message, which stays in the queue until another arrives."),
        (
            got[0] if got else None,
            "That object left the queue first (FIFO), but received objects go to the free list, a stack (LIFO): the "
            "last one received is used first.",
        ),
        (
            head & ~1 if got else None,
            "That object was first on the free list, but malloc first receives messages, which go in front.",
        ),
        (
            waiting[-1] if waiting else None,
            "That object was freed but not posted: it is still in a bucket, and alice cannot see it.",
        ),
        (head if head & 1 else None, "That is head itself, which is odd: the bump pointer plus 1."),
        (step.after.entries[0], "That is head after the call: one step too far."),
    ]
    return f"What is the offset of {step.call[0]}?", step.taken or 0, known


def _home(step: QueueStep) -> _Asked:
    """How many objects does alice's malloc receive?"""
    got = len(step.received) - (STUB in step.received)
    queued = len(step.before.queue) - (STUB in step.before.queue)
    known: list[tuple[int | None, str]] = [
        (queued, "The newest message stays in the queue: without a next, it is not dequeued."),
        (len(step.received), "The stub is dequeued too, but it is not an object and is skipped."),
        (len(step.before.queue), "The stub is not an object, and the newest message stays in the queue."),
        (
            queued + len(_waiting(step.before)),
            "Unposted messages are still in a bucket, and the newest message stays in the queue.",
        ),
        (0, "Every message that has a next is dequeued: all but the newest."),
    ]
    return f"How many objects does alice receive in the call for {step.call[0]}?", got, known


def _front(step: QueueStep) -> _Asked:
    """Which message is at the front after alice's malloc?"""
    queue = step.before.queue
    waiting = _waiting(step.before)
    known: list[tuple[int | None, str]] = [
        (queue[0] if queue[0] != STUB else None, "That was the front before; it has a next, so it was dequeued."),
        (next((at for at in queue if at != STUB), None), "That is the oldest message, which was dequeued first."),
        (queue[-2] if len(queue) > 1 and queue[-2] != STUB else None, "That was dequeued last; its next is the front."),
        (waiting[-1] if waiting else None, "That was freed but not posted: it is still in a bucket."),
        (step.taken, "That is the object that malloc returned."),
    ]
    return f"Which message is the front of alice's queue after the call for {step.call[0]}?", step.after.queue[0], known


def _back(state: QueueState) -> _Asked:
    """Which message is the newest?"""
    queue, waiting = state.queue, _waiting(state)
    known: list[tuple[int | None, str]] = [
        (queue[0] if queue[0] != STUB else None, "That is the front; the exchange changes back."),
        (waiting[-1] if waiting else None, "That was freed last but not posted: it is still in a bucket."),
        (queue[-2] if queue[-2] != STUB else None, "A list is sent unchanged: its last message becomes back."),
    ]
    return "Which message is the back of alice's queue afterwards?", queue[-1], known
