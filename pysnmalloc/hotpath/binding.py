"""Functions of which every allocator has its own, with names filled in (§2.1).

    pattern     def malloc(size): ... bins[size] ...        one, in ``hotpath``
                           │ bind
    bound       malloc, with `bins` of allocator 1          one for each allocator
                malloc, with `bins` of allocator 2

On free-threaded Python, to use an object of another thread costs three times as
much as an own one; so nothing hot is shared, not even the functions. How a name is
found best differs by interpreter:

* With the GIL a name is a *global* name of the function, whose global names are the
  allocator's own. CPython remembers in the code where it found one, so that is copied:
  5 % faster than a closure.
* Without it, CPython 3.13 remembers nothing, and a *variable of a closure* is 4 %
  faster. For that, the patterns are compiled once more, inside a function; the code is
  shared, as it never goes away once there were two threads.

Numbers that depend on the configuration are constants in the patterns, as a constant
is faster than a name. For other configurations the patterns are compiled anew, too.

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
        patterns: the module of the functions; its source must be there, unless it can be used as it is.
        constants: what to put in the place of constants there.
        values: what the names stand for; the patterns' own are filled in as they are bound.
    """

    def __init__(self, patterns: ModuleType, constants: Mapping[int, int], values: Mapping[str, object]) -> None:
        changed = {old: new for old, new in constants.items() if old != new}
        self._closures = _free_threaded()
        self._codes: Mapping[str, CodeType] = {}  # those of the patterns themselves
        if changed or self._closures:
            self._codes = _compiled(patterns, tuple(changed.items()), self._closures)
        self._globals = dict(values)
        self._cells = {name: CellType(value) for name, value in values.items()}

    def __setitem__(self, name: str, value: object) -> None:
        """Let a name stand for something else, for all functions that are bound or will be."""
        self._globals[name] = value
        self._cells.setdefault(name, CellType()).cell_contents = value

    def bind(self, pattern: Callable[P, R]) -> Callable[P, R]:
        """Return the function of a pattern with these names, its own among them."""
        assert isinstance(pattern, FunctionType)
        code = self._codes.get(pattern.__name__, pattern.__code__)
        if self._closures:
            cells = tuple(self._cells.setdefault(name, CellType()) for name in code.co_freevars)
            bound = FunctionType(code, {}, closure=cells)
        else:
            bound = FunctionType(_copied(code), self._globals)
        self[pattern.__name__] = update_wrapper(bound, pattern)
        return bound


def _free_threaded() -> bool:
    """Tell whether there is no GIL."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


@cache
def _compiled(patterns: ModuleType, constants: tuple[tuple[int, int], ...], closures: bool) -> dict[str, CodeType]:
    """Compile a module's functions anew: with other constants, and names as global names or closure variables."""
    path = inspect.getsourcefile(patterns) or patterns.__name__
    tree = _Constants(dict(constants)).visit(ast.parse(inspect.getsource(patterns)))
    body: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if closures:
        names = [n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        (outer,) = ast.parse(f"def outer({', '.join(names)}): pass").body
        assert isinstance(outer, ast.FunctionDef)
        outer.body, body = body, [outer]
    module = compile(ast.Module(body, []), path, "exec")
    # Constants of code that was just compiled count references; those of code that was loaded do not.
    found = _codes_in(marshal.loads(marshal.dumps(module)))
    return {code.co_name: code for code in (_codes_in(found[0]) if closures else found)}


class _Constants(ast.NodeTransformer):
    """Puts other constants in the place of some."""

    def __init__(self, constants: Mapping[int, int]) -> None:
        self._constants = constants

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Replace one."""
        if type(node.value) is int:
            node.value = self._constants.get(node.value, node.value)
        return node


def _copied(code: CodeType) -> CodeType:
    """Copy code, and what is defined in it: what CPython remembers there is of one allocator."""
    consts = (_copied(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_consts=tuple(consts)) if _codes_in(code) else code.replace()


def _codes_in(code: CodeType) -> list[CodeType]:
    """The code objects directly inside another."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]
