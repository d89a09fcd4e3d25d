"""The allocator that records: every call, and all that it changes (§2.1, §2.2).

    malloc(16) ─► Called, ObjectBumped ..., Returned

Calls from outside are told; those that the allocator makes on itself are part of
the call they serve. It runs the plain code, never the fast path.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from itertools import chain, takewhile
from typing import TypeVar

from ...allocator import AVAILABLE, ONLY_SHORT, Allocator, Shared
from ...chunklist import OWNER
from ...config import BUCKETS_OFFSET
from ...memory import NULL, Memory
from ...messagequeue import NEXT, TARGET
from ..events import AllocatorMade, Called, CameHome, Forwarded, ListSent, Returned
from ..recording import Origin, Recording
from .chunks import RecordingChunkList, RecordingMediumslab, RecordingPageMap, RecordingSuperslab
from .messages import RecordingQueue, RecordingRemoteCache
from .shared import RecordingAtomics, RecordingLargeObjects
from .slabs import RecordingSlab, RecordingSlabList
from .teller import Teller, WatchedMemory

__all__ = ["RecordingAllocator"]

T = TypeVar("T")
WITHIN = ("pysnmalloc.recording.recorder.", "pysnmalloc.allocator", "pysnmalloc.heap", "contextlib")


class RecordingAllocator(Allocator):
    """An allocator that tells a recording of every change. It runs the plain code."""

    def __init__(self, number: int, shared: Shared, recording: Recording) -> None:
        recording.attach(shared, Origin(shared.config, shared.memory.space.size, shared.decommit))
        self.teller = Teller(recording, number)
        super().__init__(number, shared)
        self.teller.tell(AllocatorMade, address=self.address)

    def _view(self) -> None:
        """Make this thread's views, and in place of each concept one that tells."""
        super()._view()
        shared, config, teller = self._shared, self.config, self.teller
        memory = self.memory = WatchedMemory(shared.memory.space, teller)
        self._u64 = memory.u64
        atomics = self.atomics = self._atomics_on(memory)
        atomics.counts = self.atomic_counts
        self.pagemap = RecordingPageMap(memory, config, shared.layout, teller)
        self.slab = RecordingSlab(memory, self.metaslab, teller)
        self.superslab = RecordingSuperslab(memory, config, self.metaslab, teller)
        self.mediumslab = RecordingMediumslab(memory, config, teller)
        self.large = RecordingLargeObjects(
            memory, atomics, config, shared.layout, shared.decommit, shared.commitment, teller
        )
        self.queue = RecordingQueue(memory, atomics, self.address, teller)
        self.cache = RecordingRemoteCache(memory, config, self.address, teller)
        self._view_lists()

    def _atomics_on(self, memory: Memory) -> RecordingAtomics:
        """Return atomic operations that tell."""
        return RecordingAtomics(memory, self._shared.lock, self.config, self.teller)

    def _view_lists(self) -> None:
        """Make the lists of slabs and chunks."""
        config, memory, teller = self.config, self.memory, self.teller
        self.available = RecordingChunkList(memory, self.address + AVAILABLE, "available", teller)
        self.only_short = RecordingChunkList(memory, self.address + ONLY_SHORT, "only short", teller)
        heads = self.address + BUCKETS_OFFSET + 16 * config.buckets
        self.small_classes = tuple(
            RecordingSlabList(memory, self.metaslab, heads + 8 * sizeclass, sizeclass, teller)
            for sizeclass in range(config.num_small)
        )
        self.medium_classes = tuple(
            RecordingChunkList(memory, heads + 8 * sizeclass, f"medium slabs of class {sizeclass}", teller)
            for sizeclass in range(config.num_small, config.num_sizeclasses)
        )

    def _install(self) -> None:
        """Put the recorded calls in place."""
        self.malloc, self.free = self.recorded_malloc, self.recorded_free

    # Calls.

    def recorded_malloc(self, size: int) -> int:
        """``plain_malloc``, told."""
        return self._recorded("malloc", (size,), lambda: self.plain_malloc(size))

    def recorded_free(self, address: int) -> None:
        """``plain_free``, told."""
        self._recorded("free", (address,), lambda: self.plain_free(address))

    def calloc(self, count: int, size: int) -> int:
        """``Allocator.calloc``, told."""
        plain = super().calloc
        return self._recorded("calloc", (count, size), lambda: plain(count, size))

    def realloc(self, address: int, size: int) -> int:
        """``Allocator.realloc``, told."""
        plain = super().realloc
        return self._recorded("realloc", (address, size), lambda: plain(address, size))

    def aligned_alloc(self, alignment: int, size: int) -> int:
        """``Allocator.aligned_alloc``, told."""
        plain = super().aligned_alloc
        return self._recorded("aligned_alloc", (alignment, size), lambda: plain(alignment, size))

    def handle_message_queue(self) -> None:
        """``Allocator.handle_message_queue``, told."""
        self._recorded("handle_message_queue", (), super().handle_message_queue)

    def receive(self) -> None:
        """``Allocator.receive``, told."""
        self._recorded("receive", (), super().receive)

    def post(self) -> None:
        """``Allocator.post``, told."""
        self._recorded("post", (), super().post)

    def _recorded(self, name: str, arguments: tuple[int, ...], body: Callable[[], T]) -> T:
        """Make a call and tell of it, unless it is part of another."""
        teller = self.teller
        if teller.call:
            return body()
        teller.call = teller.recording.next_call()
        try:
            teller.tell(Called, call=name, arguments=arguments, caller=_caller())
            result = body()
            teller.tell(Returned, call=name, result=result if isinstance(result, int) else NULL, error="")
        except Exception as error:
            teller.tell(Returned, call=name, result=NULL, error=f"{type(error).__name__}: {error}")
            raise
        finally:
            teller.call = 0
        return result

    # Messages.

    def _handle(self, message: int) -> None:
        """Tell whether a message is home, and handle it."""
        target = self._u64[message + TARGET >> 3]
        if target == self.address:
            self.teller.tell(CameHome, message=message)
        else:
            self.teller.tell(Forwarded, message=message, target=target >> self.config.allocator_bits)
        super()._handle(message)

    def _send(self, first: int, last: int) -> None:
        """Tell which messages go to whom, and send them."""
        owner = self._u64[(first & self._chunk_mask) + OWNER >> 3]
        messages = chain(takewhile(lambda message: message != last, self._chain(first)), (last,))
        self.teller.tell(ListSent, to=owner >> self.config.allocator_bits, messages=tuple(messages))
        super()._send(first, last)

    def _chain(self, message: int) -> Iterator[int]:
        """Follow a list of messages."""
        while True:
            yield message
            message = self._u64[message + NEXT >> 3]


def _caller() -> str:
    """The function and the line of the program that made the call, as far as Python knows them."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(WITHIN):
        frame = frame.f_back
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
    name = frame.f_code.co_name
    if name.startswith("<"):  # a module, a comprehension: no function that has a name
        return line
    return f"{name}: {line}" if line else name
