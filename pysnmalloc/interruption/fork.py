"""Fork: which locks are held over it, so that a child of ``os.fork`` can go on (§2.1).

    before           take every lock of every heap and recording, rank by rank
    in the parent    release them
    in the child     release them, and tell each heap that its other threads are gone

The child has a copy of all memory, but only the thread that forked. What others
were doing is never finished there. Two rules make this harmless:

* A Python object that several threads change is changed under a lock that is held
  here, so none is half changed. It would not suffice that Python changes a dict in
  one step. On free-threaded Python, a dict has a lock of its own, which a waiting
  thread may be given just while all threads stand still for the fork; in the child,
  that lock is taken for ever.
* The heap's bytes are changed without locks, except for atomic operations. A lost
  thread leaves some of its stores undone, the last ones. They are stores to what it
  holds: its allocator, a chunk on its way, a large object that nobody else has seen
  yet or may use any more. ``heap`` and ``pagemap`` say why none of them matters.

CPython has locks of its own, which nothing here can hold. Without the GIL, its collector stops all
threads under such a lock. If one is waiting for it during the fork, the child waits for ever as soon
as it collects (seen on 3.13).

The law: a thread that holds one of the locks takes only locks of a higher rank, so
no thread and no fork wait for each other. A second fork waits for the first.
"""

from __future__ import annotations

import enum
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from typing import TypeVar, cast

from .sigint import HANDLERS, uninterrupted_hook

__all__ = ["Rank", "held_over_forks"]

T = TypeVar("T")


class Rank(enum.IntEnum):
    """What a lock protects. A thread that holds a lock takes only locks of a higher rank."""

    POOL = 1  #: a heap's allocators, and who holds them
    RECORDING = 2  #: the events of a recording
    CHECKS = 3  #: what checked mode knows about objects
    COMMITMENT = 4  #: the count of committed bytes
    ATOMICS = 5  #: the emulated atomic operations


Lock = AbstractContextManager[object]
_Entry = tuple[tuple[tuple[Rank, Lock], ...], Callable[[object], None] | None]

_registry = threading.RLock()  # before all ranks; held over a fork, too
_entries: dict[weakref.ref[object], _Entry] = {}


class _Fork(threading.local):
    """The fork that a thread is making.

    Attributes:
        owners: of the locks to take.
        held: the locks, each listed just before it is taken.
    """

    def __init__(self) -> None:
        self.owners: list[tuple[object, _Entry]] = []
        self.held: list[Lock] = []


_fork = _Fork()


def held_over_forks(owner: T, locks: Iterable[tuple[Rank, Lock]], *, lost: Callable[[T], None] | None = None) -> None:
    """Hold locks over every fork, as long as their owner exists; in the child, call ``lost(owner)`` afterwards."""
    entry = tuple(locks), cast("Callable[[object], None] | None", lost)
    reference: weakref.ref[object] = weakref.ref(owner)
    with _registry:
        if len(_entries) & (len(_entries) - 1) == 0:  # now and then, so that it costs little
            _forget()
        _entries[reference] = entry


def _forget() -> None:
    """Drop the entries of owners that no longer exist."""
    for reference in list(_entries):
        if reference() is None:
            _entries.pop(reference, None)


# The interpreter prints an exception in a hook and goes on with the fork. So that an exception from outside, such as a
# time limit's, cuts no hook off, each hook runs twice, and leaves out what is done.


@uninterrupted_hook
def _before_fork() -> None:
    """Take every lock, in the same order in every thread that forks."""
    HANDLERS.prepare()
    _take(_registry)
    _fork.owners = [(owner, entry) for each, entry in list(_entries.items()) if (owner := each()) is not None]
    ranked = [each for _, (locks, _) in _fork.owners for each in locks]
    for _, lock in sorted(ranked, key=lambda each: (each[0], id(each[1]))):
        _take(lock)


def _take(lock: Lock) -> None:
    """Take a lock. The last one listed may have been taken or not; it is taken again, and released as often."""
    held = _fork.held
    if lock not in held[:-1]:
        held.append(lock)
        lock.__enter__()


def _release() -> None:
    """Release the locks, the last one first. One that was just listed or released may be free."""
    held = _fork.held
    while held:
        with suppress(RuntimeError):
            held[-1].__exit__(None, None, None)
        held.pop()


@uninterrupted_hook
def _after_fork_in_parent() -> None:
    """Go on."""
    _release()
    _fork.owners = []


@uninterrupted_hook
def _after_fork_in_child() -> None:
    """Go on alone."""
    _release()
    for owner, (_, lost) in _fork.owners:
        if lost is not None:
            lost(owner)
    _fork.owners = []


if hasattr(os, "register_at_fork"):
    for _ in range(2):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )
