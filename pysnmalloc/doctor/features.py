"""Checks of the platform: the features that the heap uses (§2.9).

    reserve      address space that costs nothing until it is touched
    dontneed     returning pages to the system
    fork         a copy of the heap for the child
    queue_test   a C integer over the heap's bytes, the fast test for messages

The law: each check observes the effect, not the existence of a name.
"""

from __future__ import annotations

import os
import signal
import warnings

from ..config import CLASSROOM, PAPER
from ..heap import Heap
from ..memory import Memory, default_reserve_for, space_for
from ..platform import AddressSpace
from .check import Absent, More, demand

__all__ = ["dontneed", "fork", "queue_test", "reserve"]

MIB, GIB = 1 << 20, 1 << 30
PATIENCE = 10  # seconds that a child may take for work of a millisecond


def reserve(_: More) -> str:
    """Address space is granted and reads as zero."""
    space = space_for(PAPER, None)
    size, default = space.size, default_reserve_for(PAPER)
    view = memoryview(space.buffer)
    try:
        demand(view[0] == view[size - 1] == 0, "fresh memory does not read as zero")
    finally:
        view.release()
        space.close()
    if space.kind != "mmap":
        raise Absent(f"no mmap: plain bytes, {size // MIB:,} MiB")
    less = "" if size == default else f", since a limit refuses the default of {default / GIB:,.2f} GiB (see ulimit -v)"
    return f"{size / GIB:,.2f} GiB reserved{less}"


def dontneed(_: More) -> str:
    """Decommitted pages leave physical memory and read as zero."""
    space = AddressSpace(64 * MIB)
    memory = Memory(space)
    try:
        memory.u8[: 16 * MIB] = b"\x5a" * (16 * MIB)
        base = memory.base()
        before = space.resident(base) if base is not None else None
        space.decommit(0, 16 * MIB)
        demand(not any(memory.u8[: 16 * MIB : 4096]), "decommitted memory does not read as zero")
        space.decommit(0, 16 * MIB)  # the reads above may have committed pages
        after = space.resident(base) if base is not None else None
    finally:
        space.close()
    if not space.gives_back:
        raise Absent("no MADV_DONTNEED: decommitting only zeroes")
    if before is None or after is None:
        raise Absent("MADV_DONTNEED exists, but the system does not report resident memory")
    demand(before - after >= 15 * MIB, f"resident {before:,} bytes before, {after:,} after decommitting 16 MiB")
    return f"resident {before / MIB:.1f} MiB before, {after / MIB:.1f} MiB after"


def queue_test(_: More) -> str:
    """A C integer over the heap's bytes follows the stores there."""
    try:
        from ctypes import c_uint64
    except ImportError:
        raise Absent("no ctypes: the queue test takes a little longer") from None
    space = AddressSpace(MIB)
    memory = Memory(space)
    try:
        word = c_uint64.from_buffer(space.buffer, 4096)
        found = [bool(word)]
        for value in (1 << 63, 0):
            memory.u64[4096 >> 3] = value
            found.append(bool(word))
        demand(found == [False, True, False], f"the truth values of 0, 2^63 and 0 are {found}")
        del word
    finally:
        space.close()
    return "the truth value of a word follows the heap"


def fork(_: More) -> str:
    """A child has its own copy of the heap, and its allocator still works."""
    if not hasattr(os, "fork"):
        raise Absent("no fork on this platform")
    with Heap(CLASSROOM) as heap:
        ours = heap.malloc(32)
        heap.view(ours)[:6] = b"parent"
        with warnings.catch_warnings():
            # An embedding program may have other threads; the child does only what follows.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            # Without this signal, doctor would wait forever for a child that hangs.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            os._exit(_in_child(heap, ours))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        demand(code == 0, f"the child could not use its copy of the heap (exit code {code})")
        demand(bytes(heap.view(ours)[:6]) == b"parent", "the child changed the parent's object")
        heap.free(ours)
    return "the child's heap is a working copy"


def _in_child(heap: Heap, theirs: int) -> int:
    """Use the copy of a heap, and return the exit code."""
    try:
        right = bytes(heap.view(theirs)[:6]) == b"parent"
        heap.view(theirs)[:6] = b"child!"
        heap.free(theirs)
        own = heap.malloc(32)
        heap.view(own)[:32] = b"\xff" * 32
        heap.check()
        return 0 if right else 2
    except BaseException:
        return 3
