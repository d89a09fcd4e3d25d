"""The platform: reserving address space, and giving pages back to the operating system (§2.9).

    reserve(bytes)             address space without memory until it is touched; reads as zero
    decommit(start, length)    give the pages back; they read as zero afterwards

With ``mmap``, the space is a single anonymous private mapping. Tens of GiB of it
cost nothing, since the system provides a page when an address in it is first
touched, and ``madvise(DONTNEED)`` takes the page away again. On Windows, mappings
are not overcommitted and CPython has no ``madvise``. Without ``mmap`` (Pyodide),
plain bytes are used. In both cases decommitting only zeroes the pages, so a heap
behaves the same everywhere; ``gives_back`` says whether memory is really freed.

A process may have a limit of address space (``ulimit -v``), or its container may. A
heap that names no ``reserve`` then takes about half of what the system grants.

Left out: protecting reserved pages against access, which Python cannot do.
"""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from .errors import SpaceRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

HAVE_MMAP = True
try:
    import mmap
except ImportError:  # Pyodide, some sandboxes
    HAVE_MMAP = False

__all__ = ["AddressSpace", "default_reserve", "space_is_free"]

GIB = 1 << 30
ZEROES = bytes(1 << 16)
GRAIN = 1 << 16  # to which a reserve is rounded that is less than the default
LINUX_MAP_NORESERVE = 0x4000  # the mmap module has it only from 3.13 on


def space_is_free() -> bool:
    """Return whether bytes that are reserved but never touched cost next to nothing.

    They do cost on a 32-bit system, which has 4 GiB in all, and where plain bytes replace a mapping. In a browser
    they take memory at once: WebAssembly has 32-bit addresses, and fills a mapping with zeroes when it is made.
    """
    return HAVE_MMAP and sys.maxsize > 1 << 32


def default_reserve() -> int:
    """Return the most bytes of address space that a heap reserves by default.

    64 GiB where address space is free (64-bit Linux, macOS, BSD); 1 GiB on Windows, which counts it
    against the page file; 256 MiB where it is scarce, half of which the paper's allocators may take.
    """
    if not space_is_free():
        return 256 << 20
    return 64 * GIB if sys.platform != "win32" else GIB


class AddressSpace:
    """A contiguous range of reserved address space (§2.9).

    All threads share it. The owner of a range may call ``decommit``, which touches no bytes outside that range.

    Args:
        size: bytes to reserve.
        least: the smallest size that would serve, for the error's advice.

    Raises:
        SpaceRefused: if the operating system refuses.
    """

    def __init__(self, size: int, least: int = 0) -> None:
        self.size = size
        self.buffer = _reserve(size, least)
        self.granule = mmap.PAGESIZE if HAVE_MMAP else 1
        # On other systems DONTNEED is only a hint, and the pages may keep their contents.
        self.gives_back = sys.platform == "linux" and self.kind == "mmap"
        self._set_apart()

    def _set_apart(self) -> None:
        """Keep Linux from merging this mapping with a neighbour, so that ``resident`` counts only this one.

        Linux does not merge mappings with different advice, so the first and last pages get advice of their own.
        """
        if self.gives_back and not isinstance(self.buffer, bytearray) and self.size > 2 * self.granule:
            last = (self.size - 1) // self.granule * self.granule
            for page in (0, last):
                self.buffer.madvise(mmap.MADV_DONTDUMP, page, self.granule)

    @classmethod
    def up_to(cls, size: int, least: int) -> AddressSpace:
        """Reserve ``size`` bytes or, where the operating system refuses them, about half of what it grants.

        At least a third is left to the program, whose threads and other heaps need address space too.

        Raises:
            SpaceRefused: if the system refuses even ``least`` bytes.
        """
        with suppress(SpaceRefused):
            return cls(size, least)
        return cls(_affordable(size, least), least)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: an address in a copy would be another object."""
        raise TypeError(
            "a heap's memory cannot be pickled or copied, since its addresses belong to this heap in this process; "
            "pickle what is in it: bytes(heap.view(p)), heap.statistics(), a picture or a Recording"
        )

    @property
    def kind(self) -> str:
        """What backs the space: ``mmap`` or ``bytes``."""
        return "bytes" if isinstance(self.buffer, bytearray) else "mmap"

    def decommit(self, start: int, length: int) -> None:
        """Give back the pages of a range, which reads as zero afterwards (§2.9).

        One system call gives back whole pages of the operating system. The edges, which remain if the heap's page
        is smaller than the system's, are zeroed by hand.
        """
        end = start + length
        first = -(-start // self.granule) * self.granule
        last = end // self.granule * self.granule
        if isinstance(self.buffer, bytearray) or not self.gives_back or first >= last:
            self.zero(start, end)
            return
        self.zero(start, first)
        self.buffer.madvise(mmap.MADV_DONTNEED, first, last - first)
        self.zero(last, end)

    def decommit_again(self, start: int, length: int) -> Callable[[], None]:
        """Return a function that decommits one range as often as it is called, with the bounds worked out once."""
        end = start + length
        first = -(-start // self.granule) * self.granule
        last = end // self.granule * self.granule
        buffer = self.buffer
        if isinstance(buffer, bytearray) or not self.gives_back or first >= last:
            return partial(self.zero, start, end)
        before, after = bytes(first - start), bytes(end - last)
        advise, how, inside = buffer.madvise, mmap.MADV_DONTNEED, last - first

        def decommit() -> None:
            """Give the whole granules back, and zero what lies before and after them."""
            if before:
                buffer[start:first] = before
            advise(how, first, inside)
            if after:
                buffer[last:end] = after

        return decommit

    def zero(self, start: int, end: int) -> None:
        """Store zeroes in a range, block by block, so that Python makes no large object."""
        for at in range(start, end, len(ZEROES)):
            stop = min(at + len(ZEROES), end)
            self.buffer[at:stop] = ZEROES[: stop - at]

    def resident(self, address: int) -> int | None:
        """Return how many bytes of the space are in physical memory, or None if that is unknown.

        Args:
            address: the space's address in the process; see ``Memory.base``.
        """
        if self.kind == "bytes":
            return None
        try:
            return sum(_resident_parts(address, address + self.size))
        except OSError:
            return None

    def close(self) -> None:
        """Give the memory back. The address space goes when its last view is dropped.

        It is not unmapped earlier, since reading through a remaining view would then crash the process.
        """
        if self.gives_back:
            self.decommit(0, self.size)


def _reserve(size: int, least: int) -> mmap.mmap | bytearray:
    """Reserve address space without committing it.

    An unreachable heap is cyclic garbage and keeps its space until the collector runs. Where space is scarce, that
    space may be what is missing, so run the collector before giving up.
    """
    granted = _granted(size)
    if granted is None:
        gc.collect()
        granted = _granted(size)
    if granted is None:
        raise SpaceRefused(size, least)
    return granted


def _affordable(size: int, least: int) -> int:
    """Return the first half, quarter, ... of ``size`` beside which half as much stays free, but at least ``least``."""
    size //= 2
    while size > least and _granted(size + size // 2) is None:
        size //= 2
    return max(size // GRAIN * GRAIN, least)


def _granted(size: int) -> mmap.mmap | bytearray | None:
    """Return the space, or None if the system refuses it."""
    try:
        return _asked(size)
    except (OSError, MemoryError, OverflowError):
        return None


def _asked(size: int) -> mmap.mmap | bytearray:
    """Request the space from the system, once."""
    return mmap.mmap(-1, size, **_flags()) if HAVE_MMAP else bytearray(size)


def _flags() -> dict[str, int]:
    """Return the flags of a private mapping, without reserved swap on Linux. Windows has no flags."""
    if sys.platform == "win32":
        return {}
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return {"flags": flags | LINUX_MAP_NORESERVE if sys.platform == "linux" else flags}


def _resident_parts(start: int, end: int) -> Iterator[int]:
    """Yield the resident bytes of each Linux mapping inside a range of the process's addresses."""
    inside = False
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as lines:
        for line in lines:
            first = line.split(" ", 1)[0]
            if not first.endswith(":"):
                low, high = (int(part, 16) for part in first.split("-"))
                inside = start <= low and high <= end  # a mapping that only overlaps belongs to a neighbour too
            elif inside and first == "Rss:":
                yield int(line.split()[1]) << 10
