"""Functions of which every allocator has its own, with names filled in (§2.1).

    pattern     def malloc(size): ... bins[size] ...        one, in ``hotpath``
                           │ bind
    bound       malloc, with `bins` of allocator 1          one for each allocator
                malloc, with `bins` of allocator 2

On free-threaded Python, to use an object of another thread costs three times as
much as an own one; so nothing hot is shared, not even the functions. How a name is
found best differs by interpreter:

* With the GIL a name is a *global* name of the function, whose global names are the
  allocator's own. CPython remembers where it found one: 5 % faster than a closure.
* Without it, CPython 3.13 remembers nothing, and a *variable of a closure* is 4 %
  faster. For that, the pattern's module is compiled once more, inside a function.

The law: what ``bind`` returns does the steps of the pattern, on the names given.
"""

from __future__ import annotations

import ast
import inspect
import marshal
import sys
from collections.abc import Callable, Mapping
from functools import cache, update_wrapper
from types import CellType, CodeType, FunctionType, ModuleType
from typing import ParamSpec, TypeVar

__all__ = ["Names"]

P = ParamSpec("P")
R = TypeVar("R")


class Names:
    """The names of one allocator's functions, and what they stand for.

    Args:
        patterns: the module of the functions.
        constants: what to put in the place of constants there.
        values: what the names stand for; the patterns' own are filled in as they are bound.
    """

    def __init__(self, patterns: ModuleType, constants: Mapping[int, int], values: Mapping[str, object]) -> None:
        self._constants = constants
        self._closure_codes = _closure_codes(patterns) if _free_threaded() else None
        self._globals = dict(values)
        self._cells = {name: CellType(value) for name, value in values.items()}

    def __setitem__(self, name: str, value: object) -> None:
        """Let a name stand for something else, for all functions that are bound or will be."""
        self._globals[name] = value
        self._cells.setdefault(name, CellType()).cell_contents = value

    def bind(self, pattern: Callable[P, R]) -> Callable[P, R]:
        """Return the function of a pattern with these names, its own among them."""
        assert isinstance(pattern, FunctionType)
        if self._closure_codes is None:
            bound = FunctionType(self._with_constants(pattern.__code__), self._globals)
        else:
            code = self._with_constants(self._closure_codes[pattern.__name__])
            cells = tuple(self._cells.setdefault(name, CellType()) for name in code.co_freevars)
            bound = FunctionType(code, {}, closure=cells)
        self[pattern.__name__] = update_wrapper(bound, pattern)
        return bound

    def _with_constants(self, code: CodeType) -> CodeType:
        """Copy code, with this configuration's constants; so what CPython remembers in it is this allocator's."""
        put = self._constants
        return code.replace(
            co_consts=tuple(put.get(each, each) if type(each) is int else each for each in code.co_consts)
        )


def _free_threaded() -> bool:
    """Tell whether there is no GIL."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


@cache
def _closure_codes(patterns: ModuleType) -> dict[str, CodeType] | None:
    """Return the code of a module's functions with closure variables for its names; none where the source is not."""
    try:
        tree = ast.parse(inspect.getsource(patterns))
    except OSError:
        return None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = [n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    outer = ast.parse(f"def outer({', '.join(names)}): pass", patterns.__file__ or "")
    (definition,) = outer.body
    assert isinstance(definition, ast.FunctionDef)
    definition.body = [*functions]
    future = ast.parse("from __future__ import annotations").body
    compiled = compile(ast.Module([*future, definition], []), patterns.__file__ or "", "exec")
    # Constants of code that was just compiled count references; those of code that was loaded do not.
    module: CodeType = marshal.loads(marshal.dumps(compiled))
    (outer_code,) = _codes_in(module)
    return {code.co_name: code for code in _codes_in(outer_code)}


def _codes_in(code: CodeType) -> list[CodeType]:
    """The code objects directly inside another."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]
