"""Layering: an observer's methods on top of any class that serves a concept (§2).

    class RecordingFreeList:                      on_top_of(RecordingFreeList, Mine)
        def put(self, slab, freed):                 RecordingFreeList.put
            super().put(slab, freed)  ─────────────────► Mine.put
            self._teller.tell(...)

An observer names no base class, so it also fits on a class that a reader wrote from
scratch. In the composed class, ``super()`` finds the class below the observer.

The law: an observer reads the heap's bytes itself and calls ``super()`` exactly once. Of
the class below, it uses only the concept's public methods.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from ..errors import PartError

__all__ = ["name_of", "on_top_of"]

T = TypeVar("T")


def on_top_of(upper: type[T], lower: Callable[..., object]) -> type[T]:
    """Return a class with the methods of ``upper``, and with those of ``lower`` that ``upper`` lacks.

    Raises:
        PartError: if ``lower`` is not a class, since nothing can be put on top of it.
    """
    if not isinstance(lower, type):
        raise PartError(f"{name_of(lower)} is not a class, and only a class can be observed; pass a class as this part")
    if issubclass(upper, lower):
        return upper
    made = _composed.get((upper, lower))
    if made is None:
        made = type(f"{upper.__name__}On{lower.__name__}", (upper, lower), {"__module__": upper.__module__})
        _composed[upper, lower] = made
    return cast("type[T]", made)


# A composed class is reused as long as something refers to it. Two threads may compose the same pair at once,
# since either class serves.
_composed: WeakValueDictionary[tuple[type, type], type] = WeakValueDictionary()


def name_of(part: object) -> str:
    """Return a part's name as messages show it: ``mine.py:FreeList``, ``pysnmalloc.freelist.FreeList``."""
    if not isinstance(part, type):
        return repr(part)
    file = getattr(sys.modules.get(part.__module__), "__file__", None)
    if part.__module__.startswith("loaded_from_") and file is not None:
        return f"{Path(file).name}:{part.__qualname__}"
    return f"{part.__module__}.{part.__qualname__}"
