"""Judges of tutorial 9, producers and consumers (§1, §2.2)."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from functools import wraps
from itertools import product

from ...allocator import Allocator
from ...config import CLASSROOM, PAPER, Config
from ..judging import Trouble, call, exercise
from ..material.delivery import Channel, Delivery
from ..material.ringheap import RingHeap
from ..running.budget import limited
from ..threads import Member, NoThreads

__all__: list[str] = []  # a judge is found by the number of its exercise

TURNS = (  # the turns of producer and consumer, objects per post: what the page shows
    ("PCPCPCPC", 2),
    ("PPCPCP", 1),
    ("PCPCPCPC", 1),
    ("PPPPPP", 2),
    ("PCPCPCPCPC", 3),
    ("PPPPCCCCPPPP", 2),
    ("PPCCPPCCPPCC", 2),
    ("PPPCCCPPPPCCCC", 4),
    ("PPPCCCPPP", 5),
    ("", 1),
    ("P", 1),
)
LONG = 8
"""Turns of the longest string that is tried in every order."""

DELIVERIES: tuple[tuple[Config, int, int], ...] = (  # configuration, bytes per object, objects
    (PAPER, 48, 10),
    (PAPER, 48, 0),
    (CLASSROOM, 16, 1),
    (CLASSROOM, 16, 7),
    (CLASSROOM, 48, 30),  # the cache posts by itself after every 22 objects
)

RINGS = ((3, 20, 1), (2, 5, 2), (4, 7, 4), (1, 3, 0))
"""Threads, objects of each, and the thread that is slow."""

NO_THREADS = "this Python cannot start threads; a browser cannot either. Do this exercise in Jupyter or VS Code."


@exercise("9.1")
def _fresh(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by moving objects one by one."""
    short = (
        ("".join(turns), together)
        for length in range(LONG)
        for turns in product("PC", repeat=length)
        if _possible(turns)
        for together in (1, 2, 3)
    )
    for turns, together in (*TURNS, *short):
        fresh, why = _moved(turns, together)
        yield from call(answer, "fresh", turns, together, wanted=fresh, why=why)


def _possible(turns: tuple[str, ...]) -> bool:
    """Return whether the consumer frees only what was passed to it."""
    return all(turns[:end].count("C") <= turns[:end].count("P") for end in range(len(turns) + 1))


def _moved(turns: str, together: int) -> tuple[int, str]:
    """Return how many objects took fresh memory, and a sentence about the last. False in a queue is the stub."""
    fresh = home = cached = 0
    queue = deque([False])
    why = "The producer takes no object."
    for number, turn in enumerate(turns, 1):
        if turn == "C":
            cached += 1
            if cached == together:
                queue.extend([True] * cached)
                cached = 0
            continue
        while len(queue) > 1:  # the newest stays behind
            home += queue.popleft()
        if home:
            home -= 1
            continue
        fresh += 1
        freed = turns[:number].count("C")
        why = f"Turn {number} is the last that takes memory. Objects freed before: {freed}. How many are home?"
    return fresh, why


@exercise("9.2")
def _consume(answer: object) -> Iterator[Trouble | str]:
    """Note what the answer gets, frees and posts, one after the other."""
    used: list[Delivery] = []

    def consume(allocator: Allocator, channel: Channel) -> object:
        used.append(channel.delivery)
        assert callable(answer)
        return answer(allocator, channel)

    for config, size, count in DELIVERIES:
        lent = Delivery(config, size, count)
        asked = wraps(answer)(consume) if callable(answer) else answer
        troubles = list(call(asked, "consume", lent.allocator, lent.channel, wanted=None, changes=True))
        lent.heap.close()
        if used:
            delivery = used.pop()
            yield from _astray(delivery)
            yield from troubles
            yield from _left(delivery)
            yield from _hoarded(delivery)
            yield from _posted(delivery)
            delivery.heap.close()
        yield from troubles


CONSUME = "`consume(allocator, channel)`"


def _astray(delivery: Delivery) -> Iterator[str]:
    """Yield the errors in what was freed: only objects of the channel are, and each once."""
    seen: set[object] = set()
    for address in delivery.all("freed"):
        if address is None:
            yield f"{CONSUME} calls `free(None)`. None is the end of the channel, not an object. Test before you free."
        elif type(address) is int and address not in delivery.sent:
            yield f"{CONSUME} frees {address:#x}, which is no address that the channel carried."
        elif type(address) is int and address in seen:
            yield f"{CONSUME} frees {address:#x} twice. The second time, it may be somebody else's object."
        elif type(address) is int:
            seen.add(address)


def _left(delivery: Delivery) -> Iterator[str]:
    """Yield the error if some object was not freed, and say why not."""
    got, freed, sent = delivery.all("got"), delivery.all("freed"), delivery.sent
    carried = f"the channel carried {_counted(len(sent), 'object')} and then None"
    missing = [address for address in sent if address not in freed]
    if not got:
        yield f"{carried}, but {CONSUME} takes nothing from it."
    elif None not in got and delivery.all("asked"):
        yield (
            f"{carried}, but {len(freed)} objects were freed. A channel that is empty now need not be at its end: the "
            "producer may be slow. Only None is the end."
        )
    elif None not in got:
        yield f"{carried}, but {CONSUME} returns after it has taken {len(got)}. Only None is the end."
    elif missing and not freed:
        yield (
            f"{carried}. {CONSUME} takes all of them, but frees none with the allocator that is passed to it. "
            "An object goes home only through the allocator of the thread that frees it."
        )
    elif missing:
        places = ", ".join(str(sent.index(address) + 1) for address in missing)
        yield (
            f"{carried}. {CONSUME} takes all of them, but does not free each one. In the order of the channel, these "
            f"of the {len(sent)} objects are missing: {places}."
        )


def _hoarded(delivery: Delivery) -> Iterator[str]:
    """Yield the error if the answer ever has two objects at once."""
    held = 0
    for note in delivery.notes:
        if note.what == "got" and note.value is not None:
            held += 1
            if held > 1:
                yield (
                    f"{CONSUME} asks for the next address before it has freed the last one. What would happen to the "
                    "memory if the producer went on for a day?"
                )
        elif note.what == "freed":
            held -= 1


def _posted(delivery: Delivery) -> Iterator[str]:
    """Yield the error if the cache is not empty at the end, or was posted too often."""
    kinds = [note.what for note in delivery.notes if note.what in ("freed", "posted")]
    cached, posts, count = delivery.allocator.cache.cached(), kinds.count("posted"), len(delivery.sent)
    if cached and posts:
        last = len(kinds) - kinds[::-1].index("posted")
        yield (
            f"{CONSUME} posts too early. Objects freed after its last post: {kinds[last:].count('freed')}. The remote "
            f"cache still holds {cached} bytes that the owner will never see."
        )
    elif cached:
        yield (
            f"all {count} objects were freed, but the consumer's remote cache still holds {cached} bytes that the "
            "owner will never see. What must a consumer do when it has nothing more to free?"
        )
    elif posts > 1:
        yield (
            f"{CONSUME} posts {posts} times for {_counted(count, 'object')}. The cache posts by itself when it is "
            "full. When does only the consumer know that it must?"
        )


@exercise("9.3", once=True)
def _ring(answer: object) -> Iterator[Trouble | str]:
    """Run the answer's real threads on a heap that notes who does what. In each case, another thread is slow."""
    used: list[RingHeap] = []

    def ring(heap: RingHeap, threads: int, objects: int) -> object:
        used.append(heap)
        assert callable(answer)
        sys.settrace(None)  # the budget of this thread, which is set up anew after this call: the crew has its own
        try:
            return heap.crew.run(answer, heap, threads, objects)
        except NoThreads:
            return limited(answer, heap, threads, objects)

    for threads, objects, slow in RINGS:
        lent = RingHeap(objects, slow)
        asked = wraps(answer)(ring) if callable(answer) else answer
        troubles = list(call(asked, "ring", lent, threads, objects, wanted=None, changes=True))
        lent.close()
        if any("can't start new thread" in trouble.words for trouble in troubles):
            yield NO_THREADS
        if used:
            heap = used.pop()
            asked_as = f"`ring(heap, {threads}, {objects})`"
            yield from (f"in {asked_as}, {failure}." for failure in heap.crew.failures)
            yield from troubles
            yield from _crowd(heap, asked_as, threads)
            yield from _work(heap, asked_as, objects)
            yield from _neighbours(heap, asked_as)
            heap.close()
        yield from troubles


def _crowd(heap: RingHeap, asked: str, threads: int) -> Iterator[str]:
    """Yield the errors in which threads there were."""
    caller, *started = heap.crew.members
    own = [note for note in heap.notes if note.member is caller]
    if not started:
        yield f"{asked} starts no thread" + (": the thread that calls it makes all calls of the heap." if own else ".")
    if any(each.foreign for each in started):
        yield f"{asked} starts a thread for which nobody can wait. Start threads with `threading.Thread`."
    if left := heap.crew.left:
        yield f"{asked} returns before {len(left)} of its {_counted(len(started), 'thread')} have ended. Wait for them."
    if len(started) < threads or len(_workers(heap)) > threads:
        yield f"{asked} starts {_counted(len(started), 'thread')}; it should start {threads}."
    if own:
        yield f"in {asked}, the thread that calls it makes {len(own)} calls of the heap. Its threads should make all."
    if not heap.notes:
        yield f"no thread of {asked} allocates anything from the heap that is passed to it."
    if idle := [each for each in started[:threads] if each not in _workers(heap)]:
        yield f"in {asked}, {idle[0]} neither allocates nor frees."


def _workers(heap: RingHeap) -> list[Member]:
    """Return the threads that the answer started and that used the heap, in order."""
    return [each for each in heap.crew.started if any(note.member is each for note in heap.notes)]


def _work(heap: RingHeap, asked: str, objects: int) -> Iterator[str]:
    """Yield the errors in what each thread allocated, from which allocator, and when."""
    for worker in _workers(heap):
        notes = [note for note in heap.notes if note.member is worker]
        sizes = [note.size for note in notes if note.what == "malloc"]
        if wrong := [size for size in sizes if size != 16]:
            yield f"in {asked}, {worker} asks for {_counted(wrong[0], 'byte')}; each object should have 16."
        if len(sizes) != objects:
            yield f"in {asked}, {worker} allocates {_counted(len(sizes), 'object')}; it should allocate {objects}."
        for note in notes:
            if note.holder is None:
                yield f"in {asked}, {worker} uses allocator {note.allocator} after that was given back."
            elif note.holder is not worker:
                yield (
                    f"in {asked}, {worker} uses allocator {note.allocator}, which {note.holder} acquired. Each thread "
                    "needs an allocator of its own, and acquires it itself."
                )
        kinds = [note.what for note in notes]
        if "free" in kinds and "malloc" in kinds[kinds.index("free") :]:
            yield f"in {asked}, {worker} allocates again after it has begun to free. First, it should allocate all."
    for member, number in heap.unreturned():
        yield f"in {asked}, {member} acquires allocator {number} and never gives it back."


def _neighbours(heap: RingHeap, asked: str) -> Iterator[str]:
    """Yield the errors in who freed which objects."""
    workers = _workers(heap)
    made = {note.address for note in heap.notes if note.what == "malloc"}
    freed = 0
    for note in heap.notes:
        if note.what != "free":
            continue
        left = workers[workers.index(note.member) - 1]
        if note.maker is None:
            is_what = "was freed before" if note.address in made else "no malloc returned"
            yield f"in {asked}, {note.member} frees {note.address:#x}, which {is_what}."
        elif note.maker is not left:
            whose = "of its own" if note.maker is note.member else f"of {note.maker}"
            yield f"in {asked}, {note.member} frees an object {whose}; its left neighbour is {left}."
        freed += 1
    total = len([note for note in heap.notes if note.what == "malloc"])
    if freed < total:
        yield (
            f"in {asked}, nobody frees {total - freed} of the {total} objects. Does a thread look into its "
            "neighbour's box before the box is full? If so, it must wait. Threads that wait for each other must run at "
            "the same time."
        )


def _counted(count: int, what: str) -> str:
    """Return a number of things, as text."""
    return f"{count} {what}{'s' * (count != 1)}"
