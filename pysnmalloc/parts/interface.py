"""The interface of a part: what a class must have to serve a concept (§2).

    FreeList   take(slab, size)   put(slab, freed)   walk(slab)        the paper's class
    Mine       take(slab, size)   put(slab)          ─                 refused: put, walk

The law: a class can take the place of the paper's class if its constructor takes the same
arguments, and if it has every public name of the paper's class, with methods that take the
same number of arguments. A subclass has all of them. A class written from scratch is refused
before a heap exists, and the error lists the names that it lacks.

Left out: what the methods do. ``Heap.check``, the reference traces and the explorer judge that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from threading import Lock

from ..allocator import PAPER_PARTS, Allocator, Parts
from ..config import CLASSROOM, Decommit
from ..errors import PartError
from ..large import Commitment
from ..memory import STACKS, Layout, Memory
from ..platform import AddressSpace
from .layering import name_of

__all__ = ["demand_parts"]

Made = dict[str, object]


def demand_parts(parts: Parts) -> None:
    """Raise if one of the parts cannot serve its concept.

    Raises:
        PartError: names the part, its class, and each name that is missing or takes other arguments.
    """
    replaced = parts.replaced()
    for name in replaced:
        if not callable(getattr(parts, name)):
            raise PartError(f"Parts({name}={getattr(parts, name)!r}): a part is a class; pass the class itself")
    if "allocator" in replaced:
        _demand_allocator(parts.allocator)
    if replaced:
        wanted, given = _assembled(PAPER_PARTS), _assembled(parts)
        for name in replaced:
            if name != "allocator":
                _demand_complete(name, getattr(parts, name), wanted[name], given[name])


def _demand_allocator(kind: object) -> None:
    """Raise unless a class is a subclass of ``Allocator``, since the heap and its observers use all of it."""
    if not (isinstance(kind, type) and issubclass(kind, Allocator)):
        raise PartError(
            f"Parts(allocator={name_of(kind)}): this part must be a subclass of pysnmalloc.allocator.Allocator, since "
            "the heap, the recorder and the checked mode use all of its methods"
        )


def _assembled(parts: Parts) -> Made:
    """Return one object of each part except the allocator, made on temporary memory."""
    config, layout = CLASSROOM, Layout.of(CLASSROOM, _reserve())
    memory = Memory(AddressSpace(_reserve()))
    block = 1 << config.allocator_bits
    made: Made = {}

    def make(name: str, *arguments: object) -> object:
        made[name] = _made(name, getattr(parts, name), arguments)
        return made[name]

    table = make("sizeclass", config)
    atomics = make("atomics", memory, Lock())
    make("pagemap", memory, config, layout)
    metaslab = make("metaslab", memory, config)
    make("slab", memory, metaslab, make("freelist", memory, metaslab))
    make("slablist", memory, metaslab, block)
    make("chunklist", memory, block)
    make("superslab", memory, config, metaslab, table)
    make("mediumslab", memory, config, table)
    make("stack", memory, atomics, STACKS)
    stack = partial(parts.stack, memory, atomics)  # type: ignore[arg-type]  # made of parts that are being checked
    make("large", memory, atomics, config, layout, Decommit.NEVER, Commitment(), stack)
    make("messagequeue", memory, atomics, block)
    make("remotecache", memory, config, block)
    return made


def _reserve() -> int:
    """Return the bytes of a heap with one chunk, in the classroom configuration."""
    return (1 << (CLASSROOM.number_bits + CLASSROOM.allocator_bits)) + 2 * CLASSROOM.chunk_size


def _made(name: str, kind: Callable[..., object], arguments: tuple[object, ...]) -> object:
    """Return an object of a part, or raise if it cannot be made."""
    try:
        return kind(*arguments)
    except Exception as error:
        given = ", ".join(type(argument).__name__ for argument in arguments)
        raise PartError(
            f"Parts({name}={name_of(kind)}): it cannot be made with ({given}), as the paper's class is: "
            f"{type(error).__name__}: {error}; see the attributes of pysnmalloc.allocator.Parts"
        ) from error


def _demand_complete(name: str, kind: object, wanted: object, given: object) -> None:
    """Raise if an object lacks public names of the paper's class, or if its methods take other arguments."""
    lacks = list(_lacks(wanted, given))
    if lacks:
        paper = type(wanted)
        raise PartError(
            f"Parts({name}={name_of(kind)}) cannot serve: {'; '.join(lacks)}. Write what is missing, or make it a "
            f"subclass of {paper.__module__}.{paper.__qualname__}, which has the rest"
        )


def _lacks(wanted: object, given: object) -> Iterator[str]:
    """Yield what an object lacks, in words."""
    for name in dir(wanted):
        if name.startswith("_"):
            continue
        model = getattr(wanted, name)
        if not hasattr(given, name):
            yield f"there is no {name}{_arguments(model)}"
        elif callable(model) and not _takes_the_same(model, getattr(given, name)):
            yield f"{name} must take {_arguments(model)}, but takes {_arguments(getattr(given, name))}"


def _takes_the_same(model: Callable[..., object], method: object) -> bool:
    """Return whether a method can be called as the model can."""
    if not callable(method):
        return False
    keywords, positional = dict[str, object](), list[object]()
    for each in inspect.signature(model).parameters.values():
        if each.kind is each.KEYWORD_ONLY:
            keywords[each.name] = None
        else:
            positional.append(None)
    try:
        inspect.signature(method).bind(*positional, **keywords)
    except TypeError:
        return False
    except ValueError:
        return True  # a built-in function may not describe its arguments
    return True


def _arguments(method: object) -> str:
    """Return the names of a method's arguments, in parentheses, or nothing for other attributes."""
    if not callable(method):
        return ""
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError:
        return "(...)"
    return f"({', '.join(each.name for each in parameters)})"
