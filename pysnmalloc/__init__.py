"""pysnmalloc: the memory allocator of the paper “snmalloc: A Message Passing Allocator” (ISMM 2019).

    import pysnmalloc as sn

    with sn.Heap(sn.PAPER) as heap:
        p = heap.malloc(100)                # an int, a byte address in the heap
        heap.view(p)[:5] = b"hello"         # the object's bytes
        heap.free(p)

All that the paper keeps in memory lives in the bytes of ``heap.memory``. Each concept of the
paper is a module at the top; everything else is in rooms, whose names end in a slash here. A
module imports only what stands before it:

    errors, config, sizeclass, platform, memory, atomics, pagemap, metaslab, freelist, slablist,
    chunklist, superslab, mediumslab, slab, stack, large, messagequeue, remotecache, interruption/,
    allocator, parts/, hotpath/, recording/, inspection/, pictures/, heap,
    replay/, explore/, step/, quiz/, lesson/, labs/, doctor/, cli/
"""

from .allocator import Allocator, Parts
from .atomics import AtomicCounts, Atomics, Order
from .config import CLASSROOM, PAPER, PAPER_1MIB, PRESETS, Config, Decommit
from .errors import (
    ConfigError,
    CutOff,
    DoubleFree,
    HeapClosed,
    HeapExhausted,
    InvalidPointer,
    LawBroken,
    LeakError,
    PartError,
    RecordingError,
    Reentered,
    SnmallocError,
    SpaceRefused,
    WriteAfterFree,
    WrongThread,
)
from .heap import Heap
from .inspection.statistics import AllocatorStatistics, ChunkEntry, HeapStatistics, SizeclassStatistics
from .memory import NULL, Layout, Memory
from .recording.recording import Recording, recorded
from .sizeclass import SizeclassTable, size_to_sizeclass, sizeclass_table, sizeclass_to_size

__version__ = "0.1.0"  #: of this package

__all__ = [
    "CLASSROOM",
    "NULL",
    "PAPER",
    "PAPER_1MIB",
    "PRESETS",
    "Allocator",
    "AllocatorStatistics",
    "AtomicCounts",
    "Atomics",
    "ChunkEntry",
    "Config",
    "ConfigError",
    "CutOff",
    "Decommit",
    "DoubleFree",
    "Heap",
    "HeapClosed",
    "HeapExhausted",
    "HeapStatistics",
    "InvalidPointer",
    "LawBroken",
    "Layout",
    "LeakError",
    "Memory",
    "Order",
    "PartError",
    "Parts",
    "Recording",
    "RecordingError",
    "Reentered",
    "SizeclassStatistics",
    "SizeclassTable",
    "SnmallocError",
    "SpaceRefused",
    "WriteAfterFree",
    "WrongThread",
    "__version__",
    "recorded",
    "size_to_sizeclass",
    "sizeclass_table",
    "sizeclass_to_size",
]
