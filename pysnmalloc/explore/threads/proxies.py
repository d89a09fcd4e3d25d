"""The memory and the atomics of explored code: every access goes through a recorder.

    concept code ──► ExploredMemory.u64[i]         ──► Recorder.read / write
                 ──► ExploredAtomics.exchange(...) ──► Recorder.reach

The classes of the library use this memory and these atomics as they use the real ones. This module
determines the operation, the cell and the source line of each atomic access.
"""

from __future__ import annotations

import dis
import linecache
import sys
from collections.abc import Hashable
from functools import lru_cache
from types import CodeType
from typing import Protocol, cast

from ...atomics import AtomicCounts, Atomics, Order
from ...memory import Memory
from .ops import ADD, BOTH, CAS, EXCHANGE, FENCE, HIGH, LOAD, LOW, SPECULATE, STORE, WAIT, Deed, Op, Site
from .scenario import Place

__all__ = ["ExploredAtomics", "ExploredMemory", "ExploredPlace", "Recorder", "Words", "site_of"]

METHODS = {CAS: ("compare_exchange", "compare_exchange_2")}


class Recorder(Protocol):
    """The object that receives every access of explored code."""

    def read(self, shift: int, index: int) -> int:
        """Read a plain word of 2^shift bytes."""

    def write(self, shift: int, index: int, value: int) -> None:
        """Write a plain word of 2^shift bytes."""

    def replayed(self, deed: Deed) -> tuple[bool, Hashable]:
        """Note an atomic operation; return whether it has a recorded result, and that result."""

    def allow(self, kind: str, address: int, values: tuple[Hashable, ...], order: Order, part: int) -> None:
        """End the thread if hardware has no such operation."""

    def reach(self, op: Op) -> Hashable:
        """Stop at an atomic operation that has no recorded result. The call does not return: the explorer continues."""

    def is_pair(self, address: int) -> bool:
        """Return whether the word is half of a cell of two words."""

    def make_pair(self, address: int) -> None:
        """Make the word and the one after it a single cell."""


class Words:
    """A view of explored memory, in words of 2^shift bytes."""

    __slots__ = ("_read", "_shift", "_write")

    def __init__(self, recorder: Recorder, shift: int) -> None:
        self._read = recorder.read
        self._write = recorder.write
        self._shift = shift

    def __getitem__(self, index: int) -> int:
        return self._read(self._shift, index)

    def __setitem__(self, index: int, value: int) -> None:
        self._write(self._shift, index, value)


class ExploredMemory(Memory):
    """The heap's memory as explored code sees it."""

    __slots__ = ("recorder",)

    def __init__(self, memory: Memory, recorder: Recorder) -> None:
        self.space = memory.space
        self.recorder = recorder
        # Concept code reads and stores words by index, and requires nothing else of a view (`memory.Words`).
        self.u8, self.u16, self.u32, self.u64 = (cast("memoryview[int]", Words(recorder, shift)) for shift in range(4))

    def own_views(self) -> Memory:
        """Return this memory. Each thread already has views of its own."""
        return self

    def zero(self, address: int, length: int) -> None:
        """Store zeroes: whole words of 8 bytes if they are aligned and fit, and single bytes otherwise."""
        end = address + length
        while address < end:
            shift = 3 if address % 8 == 0 and end - address >= 8 else 0
            self.recorder.write(shift, address >> shift, 0)
            address += 1 << shift


class ExploredAtomics(Atomics):
    """The atomics as explored code sees them. Every operation goes to the recorder."""

    __slots__ = ("_orders", "_recorder")

    def __init__(self, recorder: Recorder, orders: dict[str, Order]) -> None:
        self._recorder = recorder
        self._orders = orders
        self.counts = AtomicCounts()

    def fence(self, order: Order) -> None:
        """Order the accesses before the fence and those after it."""
        self._do(FENCE, 0, (), order)

    def load(self, address: int, order: Order) -> int:
        """Return the word."""
        return cast(int, self._do(LOAD, address, (), order))

    def poll(self, address: int) -> int:
        """Return the word. A poll is a step, as every load is."""
        return cast(int, self._do(LOAD, address, (), Order.RELAXED, method="poll"))

    def speculate(self, address: int) -> int:
        """Return the word, to which other threads may by now make plain accesses."""
        return cast(int, self._do(SPECULATE, address, (), Order.RELAXED))

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        """Follow links. Each load is a step."""
        passed = [first]
        while len(passed) <= most:
            after = cast(int, self._do(LOAD, passed[-1] + offset, (), Order.ACQUIRE, method="load_links"))
            if after == 0:
                break
            passed.append(after)
        return passed

    def wait(self, address: int, unlike: int, order: Order) -> int:
        """Return the word when it differs from ``unlike``. The site is that of the caller of ``ExploredPlace.wait``."""
        return cast(int, self._do(WAIT, address, (unlike,), order, depth=3))

    def store(self, address: int, value: int, order: Order) -> None:
        """Store the word."""
        self._do(STORE, address, (value,), order)

    def exchange(self, address: int, value: int, order: Order) -> int:
        """Store the word and return its former value."""
        return cast(int, self._do(EXCHANGE, address, (value,), order))

    def fetch_add(self, address: int, amount: int, order: Order) -> int:
        """Add to the word and return its former value."""
        return cast(int, self._do(ADD, address, (amount,), order))

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:
        """Store ``desired`` if the word is ``expected``."""
        return cast("tuple[bool, int]", self._do(CAS, address, (expected, desired), order))

    def compare_exchange_2(
        self, address: int, expected: tuple[int, int], desired: tuple[int, int], order: Order
    ) -> tuple[bool, tuple[int, int]]:
        """Do the same with two adjacent words."""
        return cast("tuple[bool, tuple[int, int]]", self._do(CAS, address, (expected, desired), order, part=BOTH))

    def _do(
        self,
        kind: str,
        address: int,
        values: tuple[Hashable, ...],
        order: Order,
        part: int = LOW,
        method: str = "",
        depth: int = 2,
    ) -> Hashable:
        """Return the operation's recorded result, or stop the thread at the operation."""
        recorder = self._recorder
        frame = sys._getframe(depth)
        known, result = recorder.replayed((kind, address, values, order, frame.f_code, frame.f_lasti))
        if known:
            return result
        recorder.allow(kind, address, values, order, part)
        site = site_of(frame, method or kind)
        order = self._orders.get(site.name, order)
        if kind == FENCE:
            return recorder.reach(Op(kind, 0, (), order, site))
        cell = address & ~7
        if part == BOTH:
            recorder.make_pair(cell)
        elif recorder.is_pair(address):
            cell = address & ~15
            part = HIGH if address & 8 else LOW
        return recorder.reach(Op(kind, address, values, order, site, cell=cell, part=part))


class ExploredPlace(Place):
    """The place of a thread in the explorer."""

    def __init__(self, memory: ExploredMemory, atomics: ExploredAtomics) -> None:
        super().__init__(memory, atomics)
        self._atomics = atomics

    def wait(self, address: int, unlike: int, order: Order) -> int:
        """Wait in one step."""
        return self._atomics.wait(address, unlike, order)


class Frame(Protocol):
    """The attributes of a frame that ``site_of`` reads."""

    @property
    def f_code(self) -> CodeType:
        """The frame's code."""

    @property
    def f_lasti(self) -> int:
        """The offset of the current instruction in the code."""

    @property
    def f_lineno(self) -> int | None:
        """The current line."""


def site_of(frame: Frame, kind: str) -> Site:
    """Return the place in the source at which a frame makes a call."""
    return _site(frame.f_code, frame.f_lasti, frame.f_lineno or 0, kind)


@lru_cache(maxsize=4096)
def _site(code: CodeType, offset: int, line: int, kind: str) -> Site:
    """Return the site of a call in a code object. Operations of a kind are numbered in the order of the text.

    A call has one place in the text but may occur several times in the bytecode: compilers repeat the test of a loop.
    """
    methods, starts = METHODS.get(kind, (kind,)), list(map(_start, code.co_positions()))
    loads = [i.offset for i in dis.get_instructions(code) if i.argval in methods and i.opname.startswith("LOAD_")]
    calls = {starts[load // 2] for load in loads}
    place = sum(1 for call in calls if call <= starts[offset // 2])
    function = code.co_qualname.rpartition("<locals>.")[2]
    name = f"{function} {kind}" if place <= 1 else f"{function} {kind} {place}"
    return Site(name, linecache.getline(code.co_filename, line).strip())


def _start(positions: tuple[int | None, int | None, int | None, int | None]) -> tuple[int, int]:
    """Return the line and the column at which an instruction's expression begins."""
    line, _, column, _ = positions
    return line or 0, column or 0
