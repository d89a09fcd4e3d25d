"""The recording allocator: it reports every call and every change that the call makes (§2.1, §2.2).

    malloc(16) ─► Called, ObjectBumped ..., Returned

Calls from outside are reported. A call that the allocator makes on itself is part of
the call that it serves. The allocator runs the plain code, never the hot path.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, takewhile
from typing import TypeVar

from ...allocator import Allocator, Parts, Shared, undone
from ...chunklist import OWNER
from ...errors import integer
from ...interruption import uninterrupted
from ...memory import NULL
from ...messagequeue import NEXT, TARGET
from ...parts import on_top_of
from ..events import AllocatorMade, Called, CameHome, Forwarded, ListSent, Returned
from ..recording import Origin, Recording
from .chunks import RecordingChunkList, RecordingMediumslab, RecordingPageMap, RecordingSuperslab
from .messages import RecordingQueue, RecordingRemoteCache
from .shared import RecordingAtomics, RecordingLargeObjects, RecordingStack
from .slabs import RecordingFreeList, RecordingSlab, RecordingSlabList
from .teller import Teller, WatchedMemory

__all__ = ["RecordingAllocator"]

T = TypeVar("T")
WITHIN = (
    "pysnmalloc.recording.recorder.",
    "pysnmalloc.allocator",
    "pysnmalloc.heap",
    "pysnmalloc.interruption",
    "contextlib",
)


class RecordingAllocator(Allocator):
    """An allocator that reports every change to a recording. It runs the plain code."""

    def __init__(self, number: int, shared: Shared, recording: Recording) -> None:
        recording.attach(shared, Origin(shared.config, shared.memory.space.size, shared.decommit))
        teller = self.teller = Teller(recording, number, shared.memory.own_views(), shared.config)
        watched = WatchedMemory(shared.memory.space, teller)
        super().__init__(number, replace(shared, memory=watched, parts=recorded_parts(shared.parts, teller)))
        teller.tell(AllocatorMade, address=self.address)

    def _install(self) -> None:
        """Install the recorded ``malloc`` and ``free``."""
        self.malloc, self.free = self.recorded_malloc, self.recorded_free

    # Calls.

    def recorded_malloc(self, size: int) -> int:
        """Run ``plain_malloc``, and report the call."""
        size = integer(size, "malloc", "size")
        return self._recorded_new("malloc", (size,), lambda: self.plain_malloc(size))

    def recorded_free(self, address: int) -> None:
        """Run ``plain_free``, and report the call."""
        address = integer(address, "free", "address")
        if not self.section.keep(self.free, address):
            self._recorded("free", (address,), lambda: self.plain_free(address))

    def calloc(self, count: int, size: int) -> int:
        """Run ``Allocator.calloc``, and report the call."""
        plain = super().calloc
        return self._recorded_new("calloc", (count, size), lambda: plain(count, size))

    def realloc(self, address: int, size: int) -> int:
        """Run ``Allocator.realloc``, and report the call."""
        plain = super().realloc
        return self._recorded("realloc", (address, size), lambda: plain(address, size))

    def aligned_alloc(self, alignment: int, size: int) -> int:
        """Run ``Allocator.aligned_alloc``, and report the call."""
        plain = super().aligned_alloc
        return self._recorded_new("aligned_alloc", (alignment, size), lambda: plain(alignment, size))

    def handle_message_queue(self) -> None:
        """Run ``Allocator.handle_message_queue``, and report the call."""
        self._recorded("handle_message_queue", (), super().handle_message_queue)

    def receive(self) -> None:
        """Run ``Allocator.receive``, and report the call."""
        self._recorded("receive", (), super().receive)

    def post(self) -> None:
        """Run ``Allocator.post``, and report the call."""
        self._recorded("post", (), super().post)

    @undone
    def _recorded_new(self, name: str, arguments: tuple[int, ...], body: Callable[[], int]) -> int:
        """As ``_recorded``, for a call that returns a new object."""
        return self._recorded(name, arguments, body)

    @uninterrupted
    def _recorded(self, name: str, arguments: tuple[int, ...], body: Callable[[], T]) -> T:
        """Make a call, and report it unless it is part of another."""
        teller = self.teller
        if teller.call:
            return body()
        teller.call = teller.recording.next_call()
        try:
            with teller.recording.lock:  # Python keeps the lines of files in a dict, which all threads share
                caller = _caller()
            teller.tell(Called, call=name, arguments=arguments, caller=caller)
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
        """Report whether a message is home or forwarded, and handle it."""
        target = self._u64[message + TARGET >> 3]
        if target == self.address:
            self.teller.tell(CameHome, message=message)
        else:
            self.teller.tell(Forwarded, message=message, target=target >> self.config.allocator_bits)
        super()._handle(message)

    def _send(self, first: int, last: int) -> None:
        """Report which messages are sent to which allocator, and send them."""
        owner = self._u64[(first & self._chunk_mask) + OWNER >> 3]
        messages = chain(takewhile(lambda message: message != last, self._chain(first)), (last,))
        self.teller.tell(ListSent, to=owner >> self.config.allocator_bits, messages=tuple(messages))
        super()._send(first, last)

    def _chain(self, message: int) -> Iterator[int]:
        """Yield a message and all that follow it in its list."""
        while True:
            yield message
            message = self._u64[message + NEXT >> 3]


def recorded_parts(parts: Parts, teller: Teller) -> Parts:
    """Return the same parts, each with an observer on top."""

    def told(recording: Callable[..., T], part: Callable[..., T]) -> Callable[..., T]:
        assert isinstance(recording, type)
        kind: Callable[..., T] = on_top_of(recording, part)
        return partial(kind, teller)

    return replace(
        parts,
        atomics=told(RecordingAtomics, parts.atomics),
        pagemap=told(RecordingPageMap, parts.pagemap),
        freelist=told(RecordingFreeList, parts.freelist),
        slablist=told(RecordingSlabList, parts.slablist),
        chunklist=told(RecordingChunkList, parts.chunklist),
        superslab=told(RecordingSuperslab, parts.superslab),
        mediumslab=told(RecordingMediumslab, parts.mediumslab),
        slab=told(RecordingSlab, parts.slab),
        stack=told(RecordingStack, parts.stack),
        large=told(RecordingLargeObjects, parts.large),
        messagequeue=told(RecordingQueue, parts.messagequeue),
        remotecache=told(RecordingRemoteCache, parts.remotecache),
    )


def _caller() -> str:
    """Return the program's function and line that made the call, as far as Python knows them."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(WITHIN):
        frame = frame.f_back
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
    name = frame.f_code.co_name
    if name.startswith("<"):  # a module or comprehension, whose code has no function name
        return line
    return f"{name}: {line}" if line else name
