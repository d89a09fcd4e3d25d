"""A replica: the bytes of a recorded heap after any event (§2.1 to §2.8).

    replica = Replica(recording)
    for event in recording:
        replica.apply(event)
        replica.heap.picture.map()       the heap after the event

The replica is a plain heap whose bytes come from the recording's stores; its
allocators are never called. Between recorded calls, its ``check`` may be called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import RecordingError, SpaceRefused
from ..heap import Heap
from ..memory import Memory
from ..recording.events import AllocatorMade, Decommitted, Event, Zeroed
from ..recording.recording import Recording

__all__ = ["Replica", "Rewound", "Stage"]


class Stage(Protocol):
    """A heap to which events can be applied."""

    @property
    def heap(self) -> Heap:
        """The heap."""

    def apply(self, event: Event) -> None:
        """Make the stores of an event."""


class Replica:
    """The bytes of a recorded heap, before its first event and then event by event.

    Attributes:
        heap: for observers; its allocators must not be called.

    Raises:
        RecordingError: if the recording is empty or has a gap, or the system refuses the heap's address space.
    """

    def __init__(self, recording: Recording) -> None:
        if recording.origin is None:
            raise RecordingError("nothing was recorded, so there is no heap to show; create a heap while recording")
        if not recording.whole:
            raise RecordingError("this recording has a gap, so the bytes cannot be reconstructed from it")
        config, reserve, decommit = recording.origin
        try:
            self.heap = Heap(config, reserve=reserve, decommit=decommit, fast=False)
        except SpaceRefused:  # its advice is for whoever chooses the reserve
            raise RecordingError(
                f"the recorded heap reserved {reserve:,} bytes of address space, and a replica needs as many, but the "
                "operating system refused them; raise the limit (ulimit -v), or record a heap with a smaller reserve="
            ) from None

    def apply(self, event: Event) -> None:
        """Make the stores of an event."""
        if isinstance(event, AllocatorMade):
            self.heap.acquire(event.at.allocator)
        _do(self.heap.memory, event)

    def close(self) -> None:
        """Release the memory."""
        self.heap.close()


class Rewound:
    """A heap as it was before its last events; applying each event again restores the heap."""

    def __init__(self, heap: Heap, events: Sequence[Event]) -> None:
        self.heap = heap
        for event in reversed(events):
            for write in reversed(event.writes):
                _store(heap.memory, write.address, write.width, write.before)

    def apply(self, event: Event) -> None:
        """Make the stores of an event again."""
        _do(self.heap.memory, event)


def _do(memory: Memory, event: Event) -> None:
    """Make the stores of an event."""
    for write in event.writes:
        _store(memory, write.address, write.width, write.after)
    if isinstance(event, Decommitted | Zeroed):
        memory.zero(event.start, event.length)


def _store(memory: Memory, address: int, width: int, value: int) -> None:
    """Store a value in a word of a width."""
    memory.range(address, address + width)[:] = value.to_bytes(width, "little")
