"""The teller: one allocator's access to a recording, and views that note every store (§2.1).

    u16[word] = value ──► the heap's bytes
                     └──► writes: (address, 2, before, after)     until the next event takes them

Events that are reported under the recording's lock are in the order in which they happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from ...config import Config
from ...memory import Memory
from ...metaslab import Metaslab
from ...platform import AddressSpace
from ..events import Event, Stamp, Write, Zeroed
from ..recording import Recording

__all__ = ["Teller", "WatchedMemory"]

P = ParamSpec("P")


class Teller:
    """One allocator's access to a recording. Only the thread that holds the allocator uses it.

    Attributes:
        allocator: the allocator's number.
        block: the allocator's address.
        call: number of the current call, 0 outside calls.
        config: the heap's constants.
        memory: the heap's bytes, through plain views, for the recorder.
        metaslab: reads metadata words for the recorder, whichever class serves that concept in the allocator.
        recording: the recording that receives the events.
        writes: stores since the last event.
    """

    __slots__ = ("allocator", "block", "call", "config", "memory", "metaslab", "recording", "writes")

    def __init__(self, recording: Recording, allocator: int, memory: Memory, config: Config) -> None:
        self.recording = recording
        self.allocator = allocator
        self.block = allocator << config.allocator_bits
        self.config = config
        self.memory = memory
        self.metaslab = Metaslab(memory, config)
        self.call = 0
        self.writes: list[Write] = []

    def number(self, address: int) -> int:
        """Return the number of the allocator whose block is at an address."""
        return address >> self.config.allocator_bits

    def word(self, address: int) -> int:
        """Return the 64-bit word at an address."""
        return self.memory.u64[address >> 3]

    def tell(
        self,
        kind: Callable[Concatenate[Stamp, tuple[Write, ...], P], Event],
        *values: P.args,
        **fields: P.kwargs,
    ) -> None:
        """Add an event with these fields, a stamp and the stores since the last event, unless the recording is off."""
        if not self.recording.on:
            with self.recording.lock:
                self.recording.whole = False
            self.writes.clear()
            return
        with self.recording.lock:
            stamp = self.recording.stamp(self.allocator, self.call)
            self.recording.append(kind(stamp, tuple(self.writes), *values, **fields))
        self.writes.clear()


class WatchedWords:
    """A view of the heap that notes every word stored through it.

    It does not note slices, which are the contents of objects that ``realloc`` copies.
    """

    __slots__ = ("_width", "_words", "_writes")

    def __init__(self, words: memoryview[int], writes: list[Write]) -> None:
        self._words = words
        self._width = words.itemsize
        self._writes = writes

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        if isinstance(index, int):
            self._writes.append(Write(index * self._width, self._width, self._words[index], value))
        self._words[index] = value


class WatchedMemory(Memory):
    """The heap's bytes, through views that note every store."""

    __slots__ = ("_teller",)

    def __init__(self, space: AddressSpace, teller: Teller) -> None:
        super().__init__(space)
        self._teller = teller
        for width in ("u8", "u16", "u32", "u64"):
            # The cast holds because the concepts read and store words by index only, which WatchedWords supports.
            watched = WatchedWords(getattr(self, width), teller.writes)
            setattr(self, width, cast("memoryview[int]", watched))

    def own_views(self) -> Memory:
        """Return the same memory through new views for the calling thread, which also note stores."""
        return WatchedMemory(self.space, self._teller)

    def zero(self, address: int, length: int) -> None:
        """Store zeroes in a range, and report it."""
        super().zero(address, length)
        self._teller.tell(Zeroed, start=address, length=length)
