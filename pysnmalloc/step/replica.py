"""A replica: the bytes of a recorded heap, as they were after any event (§2.1 to §2.8).

    replica = Replica(recording)
    for event in recording:
        replica.apply(event)
        replica.heap.picture.map()       as it was then

The replica is a plain heap whose bytes are made by the recording's stores; its
allocators are never called. ``check`` may be asked of it, between calls.
"""

from __future__ import annotations

from ..errors import RecordingError
from ..events import AllocatorMade, Decommitted, Event, Zeroed
from ..heap import Heap
from ..recording import Recording

__all__ = ["Replica"]


class Replica:
    """The bytes of a recorded heap, before its first event, and then event by event.

    Attributes:
        heap: to look at; nobody calls its allocators.

    Raises:
        RecordingError: when the recording is empty.
    """

    def __init__(self, recording: Recording) -> None:
        if recording.origin is None:
            raise RecordingError("nothing was recorded, so there is no heap to look at; make one inside the recording")
        config, reserve, decommit = recording.origin
        self.heap = Heap(config, reserve=reserve, decommit=decommit, fast=False)
        self._views = {
            1: self.heap.memory.u8,
            2: self.heap.memory.u16,
            4: self.heap.memory.u32,
            8: self.heap.memory.u64,
        }

    def apply(self, event: Event) -> None:
        """Make the stores of an event."""
        if isinstance(event, AllocatorMade):
            self.heap.acquire(event.at.allocator)
        for write in event.writes:
            self._views[write.width][write.address // write.width] = write.after
        if isinstance(event, Decommitted | Zeroed):
            self.heap.memory.zero(event.start, event.length)

    def close(self) -> None:
        """Give the memory back."""
        self.heap.close()
