"""Every public error and record survives pickle and copy, so that process pools can send it; a live thing refuses.

    found       all exception classes, dataclasses and named tuples of every module's `__all__`
    obtained    an instance of each, from real calls: what `tests.obtained` returns, and all that is in it
    the same    type, fields, attributes, text and notes, compared here, not by the classes themselves

A heap, its memory and an execution of the explorer live in their process. They, and what
holds them, refuse with a TypeError that says what to pickle instead.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import pytest

import pysnmalloc as sn
from pysnmalloc.allocator import Shared
from pysnmalloc.explore.executions.broken import Broken, Race, ThreadFailed, Uninitialised
from pysnmalloc.explore.findings.told import Told
from pysnmalloc.explore.search.search import Branch
from pysnmalloc.inspection.laws import LAWS
from pysnmalloc.large import Commitment
from pysnmalloc.recording.events import Event
from pysnmalloc.replay.player import Session
from tests import obtained

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
ABSTRACT = {Event}
"""A base without instances."""
LIVE: set[type] = {Broken, Race, ThreadFailed, Uninitialised, Told, Branch, Session, Commitment, Shared}
"""Errors and records that are or hold a live thing, an execution or a heap."""

# What there is.


def public() -> set[type]:
    """Every class that a module of the package names in its `__all__`."""
    found = set[type]()
    for info in pkgutil.walk_packages(sn.__path__, "pysnmalloc."):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            found.update(
                each for each in (getattr(module, name) for name in getattr(module, "__all__", ())) if ours(each)
            )
    return found | {each for each in vars(sn).values() if ours(each)}


def ours(thing: object) -> bool:
    return inspect.isclass(thing) and thing.__module__.startswith("pysnmalloc")


def is_record(kind: type) -> bool:
    """Whether a class is an error, a dataclass or a named tuple.

    The hot path's are tables of closures, not records, and what judges give to answers does not leave a check.
    """
    if kind.__module__.startswith(("pysnmalloc.hotpath", "pysnmalloc.lesson.material")):
        return False
    named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return issubclass(kind, BaseException) or dataclasses.is_dataclass(kind) or named_tuple


RECORDS = sorted(filter(is_record, public()), key=lambda kind: (kind.__module__, kind.__qualname__))
"""Every public error and record."""


def name_of(kind: type) -> str:
    return f"{kind.__module__.removeprefix('pysnmalloc.')}.{kind.__qualname__}"


# The instances.


def parts_of(thing: object) -> Iterator[object]:
    """What a thing holds, where it is a record, an error or a collection."""
    if isinstance(thing, Mapping):
        yield from (*thing, *thing.values())
    elif isinstance(thing, tuple | list | set | frozenset):
        yield from thing
    elif isinstance(thing, BaseException):
        yield from vars(thing).values()
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        yield from (getattr(thing, field.name) for field in dataclasses.fields(thing))


def instances(roots: Iterator[object]) -> dict[type, object]:
    """The first instance of each record in some things and all that they hold."""
    found: dict[type, object] = {}
    seen: dict[int, object] = {}  # which keeps them, so that no number is used again
    left = list(roots)
    while left:
        thing = left.pop()
        if id(thing) not in seen:
            seen[id(thing)] = thing
            if is_record(type(thing)):
                found.setdefault(type(thing), thing)
            left.extend(parts_of(thing))
    return found


@cache
def survivors() -> dict[type, object]:
    """An instance of each error and record that must survive."""
    return instances(iter([*obtained.errors(), *obtained.records()]))


@cache
def refusers() -> dict[type, object]:
    """An instance of each that lives in its process."""
    return {kind: each for kind, each in instances(obtained.live()).items() if kind in LIVE}


def test_every_public_error_and_record_is_obtained() -> None:
    missing = set(RECORDS) - set(survivors()) - set(refusers()) - ABSTRACT
    assert not missing, sorted(map(name_of, missing))
    assert refusers().keys() == LIVE


# The same.


def same(one: object, other: object) -> bool:
    """Whether two things agree in type and in everything that they hold."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseException):
        assert isinstance(other, BaseException)
        mine, theirs = (dict(sorted(vars(each).items())) for each in (one, other))  # their order says nothing
        return str(one) == str(other) and same(one.args, other.args) and same(mine, theirs)
    if isinstance(one, Mapping):
        assert isinstance(other, Mapping)
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, set | frozenset):
        return one == other
    if isinstance(one, tuple | list):
        assert isinstance(other, tuple | list)
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        assert dataclasses.is_dataclass(other)
        texts = type(one).__str__ is object.__str__ or str(one) == str(other)
        return texts and all(
            same(getattr(one, each.name), getattr(other, each.name)) for each in dataclasses.fields(one)
        )
    if type(one).__eq__ is object.__eq__:
        return same(state(one), state(other))
    return one == other


def state(thing: object) -> dict[str, object]:
    """A plain object's attributes, without locks and what belongs to threads."""
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    names = {*getattr(thing, "__dict__", ()), *(name for name in slots if hasattr(thing, name))}
    return {
        name: getattr(thing, name) for name in sorted(names) if name not in ("lock", "_local", "_heap", "__weakref__")
    }


COPIES: dict[str, Callable[[object], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {each}": lambda thing, each=each: pickle.loads(pickle.dumps(thing, each)) for each in PROTOCOLS},  # type: ignore[misc]
}
each_copy = pytest.mark.parametrize("how", COPIES)


@each_copy
@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind not in LIVE | ABSTRACT], ids=name_of)
def test_it_survives(kind: type, how: str) -> None:
    thing = survivors()[kind]
    copied = COPIES[how](thing)
    assert same(thing, copied)
    if isinstance(thing, BaseException):
        assert copied is not thing
        assert copied.__notes__ == [obtained.NOTE]  # type: ignore[attr-defined]
        assert str(copied) == str(thing)


# What lives in its process refuses.

each_deep_copy = pytest.mark.parametrize("how", [name for name in COPIES if name != "copy"])
INSTEAD = r"cannot be (pickled or copied|copied or pickled).*(pickle|make)"


@each_deep_copy
@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind in LIVE], ids=name_of)
def test_it_refuses_and_says_what_to_pickle_instead(kind: type, how: str) -> None:
    thing = refusers()[kind]
    with pytest.raises(TypeError, match=INSTEAD):
        COPIES[how](thing)


@each_copy
@pytest.mark.parametrize("name", ["Heap", "Memory", "AddressSpace", "Graph"])
def test_a_live_thing_is_not_even_copied_shallowly(name: str, how: str) -> None:
    """Two heaps with the same bytes would hand out the same objects."""
    things = {type(thing).__name__: thing for root in obtained.live() for thing in parts_of(root)}
    things |= {type(root).__name__: root for root in obtained.live()}
    told = next(thing for thing in things.values() if isinstance(thing, Told))
    things["Graph"] = told.graph
    with pytest.raises(TypeError, match=INSTEAD):
        COPIES[how](things[name])


def test_a_shallow_copy_of_a_told_execution_shares_it() -> None:
    told = refusers()[Told]
    assert isinstance(told, Told)
    assert copy.copy(told) == told
    assert copy.copy(told).graph is told.graph


# Recordings.


def recording() -> sn.Recording:
    made = sn.Recording(limit=50)
    with sn.Heap(sn.CLASSROOM, record=made) as heap:
        for _ in range(40):
            heap.malloc(100)
    return made


@each_copy
def test_a_recording_survives_as_a_snapshot(how: str) -> None:
    made = recording()
    copied = COPIES[how](made)
    assert isinstance(copied, sn.Recording)
    assert same(made, copied)
    assert copied.dropped > 0
    assert list(copied.lines()) == list(made.lines())
    assert copied.events is not made.events
    assert copied.lock is not made.lock
    with pytest.raises(sn.RecordingError, match="another heap"):
        sn.Heap(sn.CLASSROOM, record=copied).malloc(1)


@each_copy
def test_a_recording_can_be_copied_while_its_heap_is_in_use(how: str) -> None:
    made = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=made) as heap:
        heap.malloc(100)
        copied = COPIES[how](made)
        assert isinstance(copied, sn.Recording)
        before = len(copied)
        heap.malloc(100)
        assert len(copied) == before < len(made)


# Errors of others.


class OwnError(sn.SnmallocError):
    """As a student writes one."""

    def __init__(self, what: str, *, where: int) -> None:
        super().__init__(f"{what} at {where}")
        self.what, self.where = what, where


@each_copy
def test_a_subclass_with_arguments_of_its_own_survives(how: str) -> None:
    error = OwnError("nothing", where=7)
    error.add_note(obtained.NOTE)
    assert same(error, COPIES[how](error))


def test_a_law_keeps_its_code() -> None:
    for law in LAWS:
        assert pickle.loads(pickle.dumps(law)) is copy.deepcopy(law) is law


# A process pool, from end to end.

CAUGHT = [kind for kind in RECORDS if issubclass(kind, sn.SnmallocError)]


def fail(name: str) -> None:
    """Raise the error of a name, in a worker."""
    raise next(error for error in obtained.errors() if name_of(type(error)) == name)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as made:
        yield made


@pytest.mark.parametrize("kind", CAUGHT, ids=name_of)
def test_a_worker_raises_and_the_parent_receives(pool: ProcessPoolExecutor, kind: type[sn.SnmallocError]) -> None:
    here = survivors()[kind]
    assert isinstance(here, sn.SnmallocError)
    received = pool.submit(fail, name_of(kind)).exception(timeout=60)
    assert type(received) is kind
    assert received.__notes__ == [obtained.NOTE]
    assert vars(received).keys() == vars(here).keys()
    assert "Traceback" in str(received.__cause__)  # the worker's
    assert str(received) == str(here)


def test_a_worker_that_raises_what_cannot_be_sent_says_so(pool: ProcessPoolExecutor) -> None:
    with pytest.raises(TypeError, match=INSTEAD):
        pool.submit(break_off).result(timeout=60)
    assert pool.submit(abs, -1).result(timeout=60) == 1


def break_off() -> None:
    """Raise an error that holds an execution."""
    raise next(error for error in refusers().values() if isinstance(error, Broken))
