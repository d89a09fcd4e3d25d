"""The executions of a program on bytes, found by running a machine in every way: the judge of an explorer.

        thread 0   thread 1        As in ``naive_models``, but memory is bytes, and an access has a size. Under "tso",
           │ buffer   │ buffer     what a thread writes waits in its buffer; its own reads look there first, byte by
           ▼          ▼            byte. Under "sc", nothing is buffered.
        ┌─────── memory ───────┐

Whoever reads atomically a byte that was written atomically knows what the writer knew (a clock). Two accesses of
a byte race if one is a write, one is plain, and the later thread does not know of the earlier access.

It knows the data of ``random_programs`` and nothing of what explores them. A block of a program does nothing
itself, whatever form it has: its parts follow each other.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import NamedTuple, TypeVar

from pysnmalloc.atomics import Order

from .random_programs import Access, Guarded, Part, Program

T = TypeVar("T")
Clock = tuple[int, ...]
Outcome = tuple[tuple[tuple[Hashable, ...], ...], tuple[int, ...]]


class Byte(NamedTuple):
    """A byte of memory: its value, and what its writer knew if it wrote atomically."""

    value: int
    known: Clock | None


class Waiting(NamedTuple):
    """A write that waits in a buffer."""

    address: int
    bytes: tuple[Byte, ...]


class State(NamedTuple):
    results: tuple[tuple[Hashable, ...], ...]  # per thread, of each access, None if it reads nothing
    clocks: tuple[Clock, ...]
    memory: tuple[Byte, ...]
    buffers: tuple[tuple[Waiting, ...], ...]


class Racy(Exception):
    """Two accesses race."""


def following(parts: tuple[Part, ...]) -> Generator[Access, Hashable, None]:
    """Yield the accesses of a thread; what each of them reads is sent."""
    for part in parts:
        if isinstance(part, Access):
            yield part
        elif isinstance(part, Guarded):
            if (yield part.load) == part.value:
                yield from following(part.parts)
        else:
            yield from following(part.parts)
            yield from following(part.after)


class Machine:
    """A program, and the model under which it runs. Addresses are from ``first`` to ``last``."""

    def __init__(self, program: Program, model: str, first: int, last: int) -> None:
        assert model in ("sc", "tso")
        self.program, self.buffered, self.first, self.last = program, model == "tso", first, last
        self._made: dict[tuple[int, tuple[Hashable, ...]], tuple[tuple[Access, ...], Access | None]] = {}

    def outcomes(self) -> frozenset[Outcome]:
        """Everything that can come out.

        Raises:
            Racy: if any two accesses race in any execution.
        """
        count = len(self.program.threads)
        nothing = (0,) * count
        memory = (Byte(0, None),) * (self.last - self.first)
        start = State(((),) * count, (nothing,) * count, memory, ((),) * count)
        seen, stack, found = {start}, [start], set[Outcome]()
        while stack:
            state = stack.pop()
            after = self.steps(state)
            if not after:
                results = tuple(tuple(each for each in thread if each is not None) for thread in state.results)
                found.add((results, tuple(byte.value for byte in state.memory)))
            new = after - seen
            seen |= new
            stack += new
        return frozenset(found)

    def made(self, thread: int, results: tuple[Hashable, ...]) -> tuple[tuple[Access, ...], Access | None]:
        """What a thread did to get these results, and what it does next."""
        key = thread, results
        if key not in self._made:
            run, accesses = following(self.program.threads[thread]), list[Access]()
            try:
                accesses.append(next(run))
                for result in results:
                    accesses.append(run.send(result))  # it ends by StopIteration
                self._made[key] = tuple(accesses[:-1]), accesses[-1]
            except StopIteration:
                self._made[key] = tuple(accesses), None
        return self._made[key]

    def steps(self, state: State) -> set[State]:
        """All states after one step: a thread's oldest buffered write reaches memory, or its next access."""
        found = set[State]()
        for thread in range(len(self.program.threads)):
            if state.buffers[thread]:
                oldest, *rest = state.buffers[thread]
                memory = self.put(state.memory, oldest)
                buffers = replaced(state.buffers, thread, tuple(rest))
                found.add(state._replace(memory=memory, buffers=buffers))
            _, access = self.made(thread, state.results[thread])
            if access is not None and not (state.buffers[thread] and is_locked(access)):
                found.add(self.step(state, thread, access))
        return found

    def step(self, state: State, thread: int, access: Access) -> State:
        """The state after a thread's access."""
        clock = state.clocks[thread]
        if access.kind == "fence":
            return self.done(state, thread, clock, None)
        size = 16 if access.kind == "cas2" else access.size
        here = self.seen(state, thread)[access.address - self.first :][:size]
        if reads(access) and not access.plain:
            for byte in here:
                clock = joined(clock, byte.known) if byte.known is not None else clock
        result, new = perform(access, tuple(byte.value for byte in here))
        self.demand_no_race(state, thread, access, clock, writes=new is not None)
        clock = replaced(clock, thread, clock[thread] + 1)
        after = self.done(state, thread, clock, result)
        if new is None:
            return after
        write = Waiting(access.address, tuple(Byte(value, None if access.plain else clock) for value in new))
        if self.buffered and not is_locked(access):
            return after._replace(buffers=replaced(state.buffers, thread, (*state.buffers[thread], write)))
        return after._replace(memory=self.put(state.memory, write))

    def done(self, state: State, thread: int, clock: Clock, result: Hashable) -> State:
        """The state with one more result."""
        if clock is state.clocks[thread]:  # a fence counts too: an access is known by its number in its thread
            clock = replaced(clock, thread, clock[thread] + 1)
        results = replaced(state.results, thread, (*state.results[thread], result))
        return state._replace(results=results, clocks=replaced(state.clocks, thread, clock))

    def seen(self, state: State, thread: int) -> tuple[Byte, ...]:
        """Memory as a thread sees it."""
        memory = state.memory
        for write in state.buffers[thread]:
            memory = self.put(memory, write)
        return memory

    def put(self, memory: tuple[Byte, ...], write: Waiting) -> tuple[Byte, ...]:
        """Memory after a write."""
        at = write.address - self.first
        return (*memory[:at], *write.bytes, *memory[at + len(write.bytes) :])

    def demand_no_race(self, state: State, thread: int, access: Access, clock: Clock, *, writes: bool) -> None:
        """Raise if any access that another thread made before races with this one."""
        mine = footprint(access)
        for other, results in enumerate(state.results):
            if other != thread:
                for number, earlier in enumerate(self.made(other, results)[0]):
                    if number >= clock[other] and mine & footprint(earlier) and (access.plain or earlier.plain):
                        wrote = writes_memory(earlier, results[number])
                        if wrote or writes:
                            raise Racy


def footprint(access: Access) -> frozenset[int]:
    """The addresses of the bytes."""
    if access.kind == "fence":
        return frozenset()
    return frozenset(range(access.address, access.address + (16 if access.kind == "cas2" else access.size)))


def reads(access: Access) -> bool:
    return access.kind not in ("store", "write", "fence")


def writes_memory(access: Access, result: Hashable) -> bool:
    """Whether an access with this result wrote."""
    if access.kind in ("cas", "cas2"):
        return isinstance(result, tuple) and bool(result[0])
    return access.kind in ("store", "write", "exchange", "add")


def is_locked(access: Access) -> bool:
    """Whether it is compiled for x86 to a locked instruction or mfence."""
    if access.kind in ("store", "fence"):
        return access.order is Order.SEQ_CST
    return access.kind in ("exchange", "add", "cas", "cas2")


def perform(access: Access, before: tuple[int, ...]) -> tuple[Hashable, bytes | None]:
    """The result of an access and the bytes that it writes, if any."""
    word, values, kind = int.from_bytes(before, "little"), access.values, access.kind
    if kind in ("load", "read"):
        return word, None
    if kind in ("store", "write"):
        return None, coded(values[0], access.size)
    if kind == "exchange":
        return word, coded(values[0], 8)
    if kind == "add":
        assert isinstance(values[0], int)
        return word, coded((word + values[0]) % 2**64, 8)
    found = word if kind == "cas" else (word % 2**64, word >> 64)
    if found != values[0]:
        return (False, found), None
    desired = values[1] if isinstance(values[1], tuple) else (values[1],)
    return (True, found), b"".join(coded(each, 8) for each in desired)


def coded(value: object, size: int) -> bytes:
    assert isinstance(value, int)
    return value.to_bytes(size, "little")


def joined(one: Clock, other: Clock) -> Clock:
    return tuple(map(max, one, other))


def replaced(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
