"""Loading: how the command line names a class, and how the class is found (§2).

    freelist=mine.py:FreeList        the class FreeList of the file mine.py
    stack=course.week4:Stack         the class Stack of an importable module

A file is imported under a unique name that depends only on its path, so worker processes
find the module again by that name.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from zlib import crc32

from ..allocator import PAPER_PARTS, Parts
from ..errors import PartError

__all__ = ["load_object", "load_part", "load_parts"]

NAMES = tuple(field.name for field in fields(Parts))


def load_parts(texts: Iterable[str]) -> Parts:
    """Return the paper's parts, replaced as texts such as ``freelist=mine.py:FreeList`` say.

    Raises:
        PartError: if a text cannot be read, names an unknown part or a part twice, or if its class is not found.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, kind = load_part(text)
        if name in found:
            raise PartError(f"{text}: the part {name} is given twice; give each part once")
        found[name] = kind
    return replace(PAPER_PARTS, **found)  # type: ignore[arg-type]  # a heap checks that each can serve


def load_part(text: str) -> tuple[str, object]:
    """Return the name of the part and the class in a text such as ``name=file.py:Class``.

    Raises:
        PartError: as ``load_parts`` does.
    """
    name, equals, place = text.partition("=")
    if not equals or ":" not in place:
        raise PartError(f"{text}: write a part as name=file.py:Class, for example freelist=mine.py:FreeList")
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        guess = f"did you mean {near[0]}? The parts are" if near else "the parts are"
        raise PartError(f"{text}: there is no part {name}; {guess} {', '.join(NAMES)}")
    try:
        return name, load_object(place)
    except LookupError as error:
        raise PartError(f"{text}: {error.args[0]}") from None
    except Exception as error:
        where = place.rpartition(":")[0]
        raise PartError(f"{text}: {where} raised {type(error).__name__} while it was imported: {error}") from error


def load_object(place: str) -> object:
    """Return the object that ``file.py:name`` or ``package.module:name`` names.

    Raises:
        LookupError: if the file, the module, or the name in it does not exist.
    """
    where, _, name = place.rpartition(":")
    module = _module(where)
    if not hasattr(module, name):
        near = get_close_matches(name, vars(module), n=1)
        raise LookupError(f"{where} has no {name}" + (f"; did you mean {near[0]}?" if near else ""))
    found: object = getattr(module, name)
    return found


def _module(where: str) -> ModuleType:
    """Import a module or a file."""
    if where.endswith(".py"):
        return _file(Path(where))
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise  # the module exists, but imports one that does not
        raise LookupError(f"there is no module {where}: {error}") from None


def _file(path: Path) -> ModuleType:
    """Import a file once per version, so that two classes of one file belong to one module."""
    if not path.is_file():
        raise LookupError(f"there is no file {path}")
    path = path.resolve()
    version = path.stat().st_mtime_ns, path.stat().st_size
    known = _loaded.get(path)
    if known is not None and known[0] == version:
        return known[1]
    name = f"loaded_from_{path.stem}_{crc32(str(path).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LookupError(f"{path} is not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    _loaded[path] = version, module
    return module


_loaded: dict[Path, tuple[tuple[int, int], ModuleType]] = {}
