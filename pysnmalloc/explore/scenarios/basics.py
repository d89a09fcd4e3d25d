"""Small scenarios for single kinds of findings, some of which a careless explorer misses (§2.2)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ...atomics import Order
from ..threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["Append", "Deadlock", "Livelock", "LostUpdate", "Spin", "TooEarly"]

X, Y, SLOTS, FLAG, PAYLOAD = 64, 128, 256, 64, 128
RELAXED, ACQUIRE, RELEASE = Order.RELAXED, Order.ACQUIRE, Order.RELEASE


class LostUpdate(Scenario):
    """Two threads add 1 with a load and a store."""

    name = "lost-update"
    about = "Two threads add 1 with a load and a store: can an update be lost?"
    fields = {X: "x"}  # noqa: RUF012  # a constant

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return two threads with the same code."""
        return {"A": self.add, "B": self.add}

    def add(self, place: Place) -> Hashable:
        """Add 1, and return the old value."""
        seen = place.atomics.load(X, RELAXED)
        place.atomics.store(X, seen + 1, RELAXED)
        return seen

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Raise if an addition is lost, and return the sum."""
        total = place.memory.u64[X >> 3]
        if total != 2:
            raise Wrong("lost update", f"two threads added 1, and x is {total}")
        return total


class Append(Scenario):
    """Two workers append their names to a list under a lock. The explorer must find both orders."""

    name = "append"
    about = "Two workers append to a list under a lock: which orders are possible?"
    fields = {X: "lock", Y: "length"}  # noqa: RUF012

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return the two workers."""
        return {"A": lambda place: self.append(place, 1), "B": lambda place: self.append(place, 2)}

    def append(self, place: Place, name: int) -> Hashable:
        """Append a name. All accesses except those to the lock are plain."""
        lock(place, X)
        length = place.memory.u64[Y >> 3]
        place.memory.u64[(SLOTS >> 3) + length] = name
        place.memory.u64[Y >> 3] = length + 1
        unlock(place, X)
        return None

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Return the list, or raise if a name is missing."""
        names = tuple(place.memory.u64[(SLOTS >> 3) + at] for at in range(place.memory.u64[Y >> 3]))
        if sorted(names) != [1, 2]:
            raise Wrong("lost update", f"the list is {names}")
        return "".join("?AB"[name] for name in names)


class Deadlock(Scenario):
    """Two threads take two locks in opposite orders."""

    name = "deadlock"
    about = "Two threads take two locks in opposite orders: do both finish?"
    fields = {X: "lock x", Y: "lock y"}  # noqa: RUF012

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return two threads, which take the locks in opposite orders."""
        return {"A": lambda place: self.both(place, X, Y), "B": lambda place: self.both(place, Y, X)}

    def both(self, place: Place, first: int, second: int) -> Hashable:
        """Take two locks, and release them."""
        lock(place, first)
        lock(place, second)
        unlock(place, second)
        unlock(place, first)
        return None


class Spin(Scenario):
    """A thread polls a word. A turn of the loop that reads the same write again is a wait, not a new step."""

    name = "spin"
    about = "A loop polls a word: does it end?"
    fields = {X: "flag"}  # noqa: RUF012

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return a thread that polls and a thread that stores."""
        return {"A": self.poll, "B": lambda place: place.atomics.store(X, 1, RELEASE)}

    def poll(self, place: Place) -> Hashable:
        """Load until the flag is set."""
        while place.atomics.load(X, ACQUIRE) == 0:
            pass
        return None


class Livelock(Scenario):
    """Two threads take back their flags when they see each other's, and try again."""

    name = "livelock"
    about = "Two threads make way for each other: does one of them get through?"
    fields = {X: "A's flag", Y: "B's flag"}  # noqa: RUF012

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return two threads, each with a flag of its own."""
        return {"A": lambda place: self.pass_by(place, X, Y), "B": lambda place: self.pass_by(place, Y, X)}

    def pass_by(self, place: Place, mine: int, other: int) -> Hashable:
        """Raise a flag; while the other one is raised, take it back and raise it again."""
        atomics = place.atomics
        atomics.store(mine, 1, Order.SEQ_CST)
        while atomics.load(other, Order.SEQ_CST):
            atomics.store(mine, 0, Order.SEQ_CST)
            atomics.store(mine, 1, Order.SEQ_CST)
        atomics.store(mine, 0, Order.SEQ_CST)
        return None


class TooEarly(Scenario):
    """A thread sets a flag before it writes the payload that the flag announces."""

    name = "too-early"
    about = "A flag is stored before the payload that it announces: what does the reader find?"
    fields = {FLAG: "flag", PAYLOAD: "payload"}  # noqa: RUF012
    fresh = frozenset(range(PAYLOAD, PAYLOAD + 8))

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return a thread that announces and a thread that reads."""
        return {"A": self.announce, "B": self.read}

    def announce(self, place: Place) -> Hashable:
        """Store the flag, then the payload."""
        place.atomics.store(FLAG, 1, RELEASE)
        place.atomics.store(PAYLOAD, 7, RELAXED)
        return None

    def read(self, place: Place) -> Hashable:
        """Wait until the flag is set, and read the payload."""
        place.wait(FLAG, 0, ACQUIRE)
        return place.atomics.load(PAYLOAD, RELAXED)


def lock(place: Place, address: int) -> None:
    """Take a lock, which is a word that is 1 while a thread holds it."""
    taken = False
    while not taken:
        place.wait(address, 1, RELAXED)
        taken, _ = place.atomics.compare_exchange(address, 0, 1, ACQUIRE)


def unlock(place: Place, address: int) -> None:
    """Release a lock."""
    place.atomics.store(address, 0, RELEASE)
