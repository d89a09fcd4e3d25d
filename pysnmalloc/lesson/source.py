"""What an answer's source uses: loops, names, the library (§2).

    forbidden(answer, loops="compute it instead", names={"bit_length": ...}, library=...)

            the answer, and the notebook's functions that it calls ──► syntax tree ──► the first use, with its line

Where an exercise forbids something, results cannot show it. If the source cannot be had, as at Python's plain
prompt, the compiled code tells less well: a loop by its jump backwards, a name by its name.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, ModuleType

from .judging import Trouble
from .running.budget import is_own
from .values import shown

__all__ = ["codes", "forbidden"]

PACKAGE = __name__.partition(".")[0]
LOOPS = ast.For | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Use:
    """Something that an answer uses.

    Attributes:
        what: ``loop``, ``library``, or the name.
        words: what the line does, in words.
        line: the line's number in its file; 0 if it is not known.
    """

    what: str
    words: str
    line: int = 0


def forbidden(
    answer: object,
    *,
    loops: str | None = None,
    names: Mapping[str, str] | None = None,
    library: str | None = None,
) -> Iterator[Trouble]:
    """Yield an error if an answer uses what its exercise forbids.

    Args:
        answer: a function, or a class; anything else uses nothing.
        loops: why there must be no loop, as a sentence; None if there may be one. Comprehensions are loops, and so are
            functions that call themselves or each other.
        names: the names that must not be used, as functions, methods or modules, each with the reason as a sentence.
        library: why nothing of this package may be used; None if it may.
    """
    reasons = dict(names or {})
    if loops is not None:
        reasons["loop"] = loops
    if library is not None:
        reasons["library"] = library
    if library is not None and _of_the_library(answer):
        yield Trouble(f"your answer is `{getattr(answer, '__name__', shown(answer))}` of the library. {library}")
        return
    for function in _functions(answer):
        for use in _uses(function):
            if use.what in reasons:
                line = linecache.getline(function.__code__.co_filename, use.line).strip() if use.line else ""
                where = f"your line `{line}`" if line else f"your `{function.__name__}`"
                yield Trouble(f"{where} {use.words}. {reasons[use.what]}")
                return


def _functions(answer: object) -> list[FunctionType]:
    """Return the student's functions that an answer consists of: itself, its methods, and those that they name."""
    found: list[FunctionType] = []
    waiting: list[object] = [answer]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, partial):
            each = each.func
        each = inspect.unwrap(each) if callable(each) and hasattr(each, "__wrapped__") else each
        if isinstance(each, type) and each.__module__.partition(".")[0] != PACKAGE:
            waiting += [member for member in vars(each).values() if isinstance(member, FunctionType)]
        if isinstance(each, FunctionType) and each not in found and is_own(each.__code__.co_filename):
            found.append(each)
            names = {*each.__code__.co_names, *(name for code in _inner(each.__code__) for name in code.co_names)}
            waiting += [each.__globals__[name] for name in sorted(names) if name in each.__globals__]
            waiting += [cell.cell_contents for cell in each.__closure__ or () if _is_set(cell)]
    return found


def codes(answer: object) -> Iterator[CodeType]:
    """Yield the code of the functions that an answer consists of, and of those inside them."""
    for function in _functions(answer):
        yield function.__code__
        yield from _inner(function.__code__)


def _is_set(cell: object) -> bool:
    """Return whether a closure's cell has a value."""
    try:
        return bool(cell.cell_contents is not None)  # type: ignore[attr-defined]  # a cell, which has no public type
    except ValueError:
        return False


def _inner(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of the functions inside a function."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _inner(each)


def _uses(function: FunctionType) -> Iterator[Use]:
    """Yield what a function uses, in the order of its lines."""
    tree = _tree(function)
    if tree is None:
        yield from _compiled_uses(function)
        return
    for node in sorted(ast.walk(tree), key=_line):
        line = _line(node)
        if isinstance(node, LOOPS):
            yield Use("loop", "has a loop", line)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _calls_again(function, tree, node):
            yield Use("loop", f"calls `{node.func.id}` again, which is a loop too", line)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node)
        elif isinstance(node, ast.Attribute):
            yield Use(node.attr, f"uses `{node.attr}`", line)
        elif isinstance(node, ast.Name):
            yield Use(node.id, f"uses `{node.id}`", line)
            if _of_the_library(_value(function, node.id)):
                yield Use("library", f"uses `{node.id}` of the library", line)


def _calls_again(function: FunctionType, tree: Function, call: ast.Call) -> bool:
    """Return whether a call leads back to where it stands: to the function itself, or to one inside it."""
    assert isinstance(call.func, ast.Name)
    name = call.func.id
    if name == function.__name__ or function in _reached(_value(function, name)):
        return True
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    return any(call in ast.walk(node) for node in inner)


def _reached(value: object) -> list[object]:
    """Return the student's functions that a function calls, directly or not, and itself."""
    found: list[object] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, FunctionType) and each not in found and is_own(each.__code__.co_filename):
            found.append(each)
            nodes = ast.walk(_tree(each) or ast.Module([], []))
            calls = [node.func for node in nodes if isinstance(node, ast.Call)]
            waiting += [_value(each, called.id) for called in calls if isinstance(called, ast.Name)]
    return found


def _line(node: ast.AST) -> int:
    """Return the line of a node; 0 for nodes that have none."""
    return int(getattr(node, "lineno", 0))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
    """Yield what an import inside a function brings."""
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
    for name in [*modules, *(each.name for each in node.names)]:
        yield Use(name, f"imports `{name}`", node.lineno)
    if any(module.partition(".")[0] == PACKAGE for module in modules):
        yield Use("library", "imports the library", node.lineno)


def _value(function: FunctionType, name: str) -> object:
    """Return what a name in a function stands for; None if it is the function's own."""
    if name in (*function.__code__.co_varnames, *function.__code__.co_cellvars):
        return None
    for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        if cell_name == name and _is_set(cell):
            return cell.cell_contents
    if not any(name in code.co_names for code in (function.__code__, *_inner(function.__code__))):
        return None  # a variable of a comprehension, or of a function inside
    return function.__globals__.get(name, getattr(builtins, name, None))


def _of_the_library(value: object) -> bool:
    """Return whether a value is this package, or a function, class or object of it, or of a class derived from one."""
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    derived = [each.__module__ for each in type.mro(value if isinstance(value, type) else type(value))]
    return any(str(each).partition(".")[0] == PACKAGE for each in (module, *derived))


def _tree(function: FunctionType) -> Function | None:
    """Return the syntax tree of a function, or None if its source cannot be had."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    try:
        module = ast.parse("".join(lines))
    except SyntaxError:
        return None
    for node in ast.walk(module):
        if isinstance(node, Function):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            first = min([node.lineno, *(each.lineno for each in decorators)])
            if first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name:
                return node
    return None


def _compiled_uses(function: FunctionType) -> Iterator[Use]:
    """Yield what compiled code shows."""
    for code in (function.__code__, *_inner(function.__code__)):
        for instruction in dis.get_instructions(code):
            if "JUMP_BACKWARD" in instruction.opname or instruction.opname == "FOR_ITER":
                yield Use("loop", "has a loop")
            elif isinstance(instruction.argval, str) and instruction.argval in code.co_names:
                yield Use(instruction.argval, f"uses `{instruction.argval}`")
                if _of_the_library(_value(function, instruction.argval)):
                    yield Use("library", f"uses `{instruction.argval}` of the library")
