"""Random programs as learners write them: with ``finally``, locks as context managers, parts of words, and guards.

    random_program(seed)     the same program for the same seed, on every machine
    Written(program)         the program as a scenario: real Python code with real exceptions

A program is data: each thread is a sequence of parts, a part is an access or a block of parts. A block does
nothing itself, so whoever follows the parts one after the other has the program's meaning, and need know nothing
of exceptions. In the explorer, each of the accesses is a place where the thread may be stopped, and unwinds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode

RLX, ACQ, REL, ACQ_REL, SC = Order.RELAXED, Order.ACQUIRE, Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Access:
    """An access. ``kind`` is that of an atomic operation, or read, write: a plain one. A fence has no address."""

    kind: str
    address: int = 0
    values: tuple[int | Pair, ...] = ()
    order: Order = RLX
    size: int = 8

    @property
    def plain(self) -> bool:
        return self.kind in ("read", "write")


@dataclass(frozen=True)
class Block:
    """Parts that run one after the other, in a form of code: see ``FORMS``."""

    form: str
    parts: tuple[Part, ...]
    after: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Guarded:
    """Parts that run only if an atomic load reads a value."""

    load: Access
    value: int
    parts: tuple[Part, ...]


Part: TypeAlias = "Access | Block | Guarded"
FORMS = ("finally", "class", "generator", "re-raised", "swallowed")


@dataclass(frozen=True)
class Program:
    """The threads, and the words and the pairs of words that they use."""

    threads: tuple[tuple[Part, ...], ...]


# The program as Python code.


class Held:
    """A context manager that makes accesses on its way out."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self.leave = leave

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.leave()


@contextmanager
def held(leave: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    finally:
        leave()


class Run:
    """One run of a thread."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.read: list[Hashable] = []

    def follow(self, parts: tuple[Part, ...]) -> None:
        for part in parts:
            if isinstance(part, Access):
                self.access(part)
            elif isinstance(part, Guarded):
                if self.access(part.load) == part.value:
                    self.follow(part.parts)
            else:
                self.block(part)

    def block(self, block: Block) -> None:
        def leave() -> None:
            self.follow(block.after)

        if block.form == "finally":
            try:
                self.follow(block.parts)
            finally:
                leave()
        elif block.form == "class":
            with Held(leave):
                self.follow(block.parts)
        elif block.form == "generator":
            with held(leave):
                self.follow(block.parts)
        elif block.form == "re-raised":
            try:
                self.follow(block.parts)
            except:  # the test's subject
                leave()
                raise
            leave()
        else:
            try:  # noqa: SIM105  # the test's subject
                self.follow(block.parts)
            except:  # noqa: E722
                pass
            leave()

    def access(self, access: Access) -> Hashable:
        found = self.made(access)
        if found is not None:
            self.read.append(found)
        return found

    def made(self, access: Access) -> Hashable:
        atomics, memory, address, values = self.place.atomics, self.place.memory, access.address, access.values
        views = {1: memory.u8, 2: memory.u16, 4: memory.u32, 8: memory.u64}
        if access.kind == "read":
            return views[access.size][address // access.size]
        if access.kind == "write":
            views[access.size][address // access.size] = whole(values[0])
            return None
        if access.kind == "fence":
            atomics.fence(access.order)
            return None
        if access.kind == "load":
            return atomics.load(address, access.order)
        if access.kind == "store":
            atomics.store(address, whole(values[0]), access.order)
            return None
        if access.kind == "exchange":
            return atomics.exchange(address, whole(values[0]), access.order)
        if access.kind == "add":
            return atomics.fetch_add(address, whole(values[0]), access.order)
        if access.kind == "cas":
            return atomics.compare_exchange(address, whole(values[0]), whole(values[1]), access.order)
        expected, desired = values
        assert isinstance(expected, tuple)
        assert isinstance(desired, tuple)
        return atomics.compare_exchange_2(address, expected, desired, access.order)


def whole(value: int | Pair) -> int:
    assert isinstance(value, int)
    return value


class Written(Scenario):
    """A program as a scenario. Its judge returns the memory that the program may use."""

    name = "written"
    concepts = ()

    def __init__(self, program: Program, first: int, last: int) -> None:
        self.program = program
        self.first = first
        self.last = last

    def threads(self) -> Mapping[str, ThreadCode]:
        return {f"P{number}": self._follow(parts) for number, parts in enumerate(self.program.threads)}

    def _follow(self, parts: tuple[Part, ...]) -> ThreadCode:
        def run(place: Place) -> Hashable:
            running = Run(place)
            running.follow(parts)
            place.atomics.fence(RLX)  # it orders nothing, and stops a thread that caught the stop before
            return tuple(running.read)

        return run

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        return tuple(place.memory.u8[self.first : self.last])


# Random programs.

FIRST, LAST = 64, 104
WORDS = (64, 72)  # a cell of two words, if a thread changes both
FLAGS = (80, 88)


class Drawing:
    """Draws one program. ``pairs``: whether threads change both words at once."""

    def __init__(self, seed: int, *, pairs: bool) -> None:
        self.rng = random.Random(f"{seed} {pairs}")
        self.pairs = pairs
        self.number = 0

    def program(self) -> Program:
        lengths = self.rng.choice(
            ((2, 2), (3, 2), (2, 3), (3, 3), (1, 2, 2), (2, 2, 1), (2, 1, 2), (2, 2, 2), (1, 1, 1))
        )
        return Program(tuple(self.formed(self.thread(length)) for length in lengths))

    def thread(self, length: int) -> list[Part]:
        """Mostly, plain accesses in one word and a flag that tells of them, or that is asked for them."""
        parts: list[Part] = [self.access() for _ in range(length)]
        kind = self.rng.random()
        if kind < 0.3:
            parts.append(Access("store", self.rng.choice(FLAGS), (1,), REL))
        elif kind < 0.6:
            load = Access("load", self.rng.choice(FLAGS), (), ACQ)
            parts = [*parts[: length // 2], Guarded(load, 1, self.formed(parts[length // 2 :]))]
        return parts

    def formed(self, parts: list[Part]) -> tuple[Part, ...]:
        """Put some of the parts into blocks."""
        if len(parts) > 1 and self.rng.random() < 0.6:
            first = self.rng.randrange(len(parts))
            last = self.rng.randrange(first, len(parts)) + 1
            middle = self.rng.randint(first, last)
            block = Block(self.rng.choice(FORMS), self.formed(parts[first:middle]), tuple(parts[middle:last]))
            return (*parts[:first], block, *parts[last:])
        return tuple(parts)

    def value(self) -> int:
        self.number += 1
        return self.number

    def access(self) -> Access:
        rng, word = self.rng, self.rng.choice(WORDS)
        kind = rng.random()
        if kind < 0.35:
            size = rng.choice((1, 1, 1, 2, 4, 8))
            address = word + rng.randrange(0, 8, size)
            if rng.random() < 0.5:
                return Access("read", address, (), RLX, size)
            return Access("write", address, (self.value(),), RLX, size)
        if kind < 0.4:
            return Access("fence", order=rng.choice((ACQ, REL, SC)))
        if self.pairs and kind < 0.6:
            expected = rng.choice(((0, 0), (0, 0), (0, self.number), (self.number, 0)))
            return Access("cas2", WORDS[0], (expected, (self.value(), self.value())), rng.choice(list(Order)))
        if kind < 0.75:
            return Access("load", word, (), rng.choice((RLX, ACQ, SC)))
        if kind < 0.9:
            return Access("store", word, (self.value(),), rng.choice((RLX, REL, SC)))
        order = rng.choice(list(Order))
        if kind < 0.94:
            return Access("exchange", word, (self.value(),), order)
        if kind < 0.97:
            return Access("add", word, (16 * self.value(),), order)
        return Access("cas", word, (rng.choice((0, self.number)), self.value()), order)


def random_program(seed: int, *, pairs: bool = False) -> Program:
    return Drawing(seed, pairs=pairs).program()
