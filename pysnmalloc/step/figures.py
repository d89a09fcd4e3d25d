"""Figures 1, 2 and 3 of the paper, drawn by the running code (§2.2).

    figure(1)    a remote cache and its buckets; a post sends each bucket as one list
    figure(2)    the home bucket, redistributed by the next bits
    figure(3)    a queue with two producers: exchanged, but not linked yet

As in the paper, k = 2, so there are four buckets, and the numbers are small. The
paper's allocator 0 is 16 here, because 0 is null; both have 0 in the lowest four
bits.

Figure 3 needs a producer that is delayed between its exchange and its link. This
needs no thread: the calls of the others are made at exactly that point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..allocator import Allocator, Parts
from ..atomics import Atomics, AtomicsLock, Order
from ..config import CLASSROOM
from ..heap import Heap
from ..memory import Memory
from ..pictures import Picture, Pictures
from ..recording.events import (
    BucketAppended,
    BucketEmptied,
    Called,
    CameHome,
    Dequeued,
    Event,
    Exchanged,
    Linked,
    ListSent,
    Posted,
    Redistributed,
)
from ..recording.recording import Recording
from .film import Camera, Film, Scene
from .frame import Frame
from .stepper import Stepper

__all__ = ["FIGURES", "figure"]

SENDER, RECEIVER = 16, 9
Keep = Callable[[Event], bool]


def figure(number: int) -> Stepper:
    """Return a figure of the paper as a stepper: 1, 2 or 3.

    Raises:
        ValueError: if there is no such figure.
    """
    if number not in FIGURES:
        raise ValueError(f"figure({number}): the code draws figures {', '.join(map(str, FIGURES))}")
    return FIGURES[number]()


def _film(recording: Recording, camera: Camera, keep: Keep, first: int) -> tuple[Frame, ...]:
    """Return the frames of a figure that begins at a tick; earlier events set it up."""
    return Film(recording, camera=camera, keep=keep, first=first).frames()


def _now(recording: Recording) -> int:
    """Return the tick of the next event."""
    return len(recording) + 1


def _cache(heap: Heap, owners: Sequence[int], sender: int) -> None:
    """Let one allocator free an object of each owner, in order."""
    objects = [_of(heap, owner).malloc(16) for owner in owners]
    for address in objects:
        _of(heap, sender).free(address)


def _of(heap: Heap, number: int) -> Allocator:
    """Return a heap's allocator by number."""
    return next((each for each in heap.allocators if each.number == number), None) or heap.acquire(number)


def _figure_1() -> Stepper:
    """Return Figure 1: allocator 16 sorts objects into buckets by the lowest bits and posts them as lists."""
    recording = Recording()
    with Heap(CLASSROOM, record=recording) as heap:
        for number in (SENDER, 1, 2, 5, RECEIVER):
            heap.acquire(number)
        objects = [_of(heap, owner).malloc(16) for owner in (RECEIVER, 5, 1, 5, 2)]
        first = _now(recording)
        for address in objects:
            _of(heap, SENDER).free(address)
        _of(heap, SENDER).post()
        _of(heap, RECEIVER).handle_message_queue()

    def camera(pictures: Pictures, event: Event, scene: Scene) -> Sequence[Picture]:
        if event.at.allocator == RECEIVER:
            return pictures.queue(RECEIVER), pictures.buckets(RECEIVER)
        if isinstance(event, Exchanged | Linked):
            to = scene.receiver(SENDER)
            return pictures.buckets(SENDER), pictures.queue(to, scene.sent_to(to))
        return (pictures.buckets(SENDER),)

    def keep(event: Event) -> bool:
        return isinstance(
            event,
            Called | BucketAppended | ListSent | Exchanged | Linked | BucketEmptied | Posted | Dequeued | CameHome,
        )

    return Stepper(_film(recording, camera, keep, first), title="Figure 1: the remote cache", id="figure-1")


def _figure_2() -> Stepper:
    """Return Figure 2: allocator 9 redistributes its home bucket by the next bits, and sends it last."""
    recording = Recording()
    with Heap(CLASSROOM, record=recording) as heap:
        for number in (SENDER, 1, 5, 7, RECEIVER):
            heap.acquire(number)
        _cache(heap, (7, 5, 1, 5), RECEIVER)
        first = _now(recording)
        _of(heap, RECEIVER).post()

    def camera(pictures: Pictures, event: Event, scene: Scene) -> Sequence[Picture]:
        buckets = pictures.buckets(RECEIVER, scene.rounds.get(RECEIVER, 0))
        if isinstance(event, Exchanged | Linked):
            to = scene.receiver(RECEIVER)
            return buckets, pictures.queue(to, scene.sent_to(to))
        return (buckets,)

    def keep(event: Event) -> bool:
        return isinstance(
            event, Called | Redistributed | BucketAppended | ListSent | Exchanged | Linked | BucketEmptied | Posted
        )

    title = "Figure 2: the next bits redistribute the home bucket"
    return Stepper(_film(recording, camera, keep, first), title=title, id="figure-2")


class _HeldUp(Atomics):
    """Atomic operations of a producer that is delayed once, before its link."""

    __slots__ = ("meanwhile",)

    def __init__(self, memory: Memory, lock: AtomicsLock) -> None:
        super().__init__(memory, lock)
        self.meanwhile: Callable[[], None] | None = None

    def store(self, address: int, value: int, order: Order) -> None:
        """Run the calls of the others before a link."""
        if order is Order.RELEASE and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        super().store(address, value, order)


def _hold_up(allocator: Allocator, meanwhile: Callable[[], None]) -> None:
    """Delay an allocator at its next link, and run a function there."""
    assert isinstance(allocator.atomics, _HeldUp)
    allocator.atomics.meanwhile = meanwhile


def _figure_3() -> Stepper:
    """Return Figure 3: a queue and two producers, A = 2 and B = 3; both exchange, B links, A links."""
    receiver, a, b = 1, 2, 3
    recording = Recording()
    with Heap(CLASSROOM, record=recording, parts=Parts(atomics=_HeldUp)) as heap:
        for number in (receiver, a, b):
            heap.acquire(number)
        objects = [_of(heap, receiver).malloc(48) for _ in range(6)]
        for index, address in enumerate(objects):
            _of(heap, a if index < 3 else b).free(address)
        first = _now(recording)

        def meanwhile() -> None:
            _of(heap, b).post()
            _of(heap, receiver).handle_message_queue()  # sees nothing: A's link is missing

        _hold_up(_of(heap, a), meanwhile)
        _of(heap, a).post()
        _of(heap, receiver).handle_message_queue()

    def camera(pictures: Pictures, _event: Event, scene: Scene) -> Sequence[Picture]:
        return (pictures.queue(receiver, scene.sent_to(receiver)),)

    def keep(event: Event) -> bool:
        return isinstance(event, Called | Exchanged | Linked | Dequeued | CameHome)

    title = "Figure 3: two producers, A = allocator 2 and B = allocator 3"
    return Stepper(_film(recording, camera, keep, first), title=title, id="figure-3")


FIGURES: dict[int, Callable[[], Stepper]] = {1: _figure_1, 2: _figure_2, 3: _figure_3}
"""The figures by number."""
