"""Parts: how another class takes the place of a concept's class in a heap (§2).

    class Mine(FreeList): ...                         a subclass, or a class with the same public names
    Heap(parts=Parts(freelist=Mine))                  in a program, a recording, a stepper
    pysnmalloc replay --part freelist=mine.py:Mine    in a replay, and likewise in show and explore
    scenario.having(Parts(freelist=Mine))             in the explorer

``Parts`` itself is in ``allocator``, next to the only code that puts parts together. Read
``interface`` first, which refuses a class that cannot serve. ``loading`` loads a class from a
file, ``layering`` puts an observer on top of any class, and ``visiting`` views an allocator
through other parts.

Imported by: recording, inspection, heap, and the rooms above it.

    layering, visiting, interface, loading
"""

from .interface import demand_parts
from .layering import name_of, on_top_of
from .loading import load_object, load_part, load_parts
from .visiting import visit

__all__ = ["demand_parts", "load_object", "load_part", "load_parts", "name_of", "on_top_of", "visit"]
