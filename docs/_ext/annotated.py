"""Annotated source: a module as prose beside code, both read off the module itself.

    .. annotated-source:: freelist

    essay, with its picture                        the module's docstring
    links                                          section, tutorial, reference, tests: from the map
    ┌──────────────────┬───────────────────────┐
    │ docstring        │ 32  def take(...):    │   a row begins where a class or function does,
    ├──────────────────┼───────────────────────┤   and where a comment stands alone
    │ comment          │ 45      after = ...   │
    └──────────────────┴───────────────────────┘

The law: each line of the module stands on the page once, as prose or as code, and code keeps its line's number.
A page of each module is written when the build begins, so a new module needs nothing.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docutils import nodes
from essay import CORE, prose
from papermap import links_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "pysnmalloc"
TOOLING = re.compile(r"#\s*(noqa|type:|fmt:|pragma:)|#:")
INDEX = """\
Annotated source
================

Each module of the library, its prose beside its code, in the order in which they build on each other. The text is the
module's own, word for word: the essay it opens with, what its classes and functions say of themselves, and the
comments, each beside the lines it speaks of. Where to begin: :doc:`sizeclass`, :doc:`freelist` and :doc:`messagequeue`
are short, and stand alone.

.. toctree::
   :maxdepth: 1

"""


@dataclass
class Row:
    """Prose, and the code beside it: the number of the first line of each piece, and its lines."""

    words: str = ""
    depth: int = 0
    name: str = ""
    code: dict[int, list[str]] = field(default_factory=dict)


def docstring_of(node: ast.AST) -> ast.expr | None:
    """The docstring of a class, function or module, if it has one."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if not isinstance(node, kinds) or ast.get_docstring(node) is None:
        return None
    first = node.body[0]
    return first.value if isinstance(first, ast.Expr) else None


def starts(tree: ast.Module) -> tuple[dict[int, Row], set[int]]:
    """Return the rows that classes and functions begin, by line, and the lines that docstrings stand on."""
    rows: dict[int, Row] = {}
    hidden: set[int] = set()

    def visit(node: ast.AST, outer: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = outer
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{outer}.{child.name}".strip(".")
                if docstring_of(child) is not None:
                    first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                    rows[first] = Row(ast.get_docstring(child) or "", depth=child.col_offset, name=name)
            visit(child, name)

    visit(tree, "")
    for node in ast.walk(tree):
        if (text := docstring_of(node)) is not None:
            hidden |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return rows, hidden


def comments(source: str) -> dict[int, str]:
    """Comments that stand alone, by line; those for tools stay code."""
    lines = source.splitlines()
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (number, column), text = token.start, token.string
        alone = token.type == tokenize.COMMENT and not lines[number - 1][:column].strip()
        if alone and not TOOLING.match(text):
            found[number] = text.removeprefix("#").removeprefix(" ")
    return found


def rows_of(source: str) -> Iterator[Row]:
    """Yield the rows of a module, top to bottom."""
    begins, hidden = starts(ast.parse(source))
    words = comments(source)
    row, piece = Row(), 0
    for number, line in enumerate(source.splitlines(), start=1):
        if number in words:
            if row.code:
                yield row
                row = Row()
            row.words += words[number] + "\n"
            piece = 0
            continue
        if number in begins:
            if row.code:
                yield row
                row = Row()
            begun = begins[number]
            row = Row(f"{row.words}\n{begun.words}", begun.depth, begun.name)
            piece = 0
        if number in hidden:
            piece = 0
        elif piece:
            row.code[piece].append(line)
        elif line.strip():
            piece = number
            row.code[piece] = [line]
    yield row


class AnnotatedSource(SphinxDirective):
    """The page of one module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the essay, the links and the rows."""
        name = self.arguments[0]
        path = source_of(name)
        self.env.note_dependency(str(path))
        source = path.read_text(encoding="utf-8")
        opening = ast.get_docstring(ast.parse(source)) or ""
        page: list[nodes.Node] = [
            nodes.container("", *prose(opening), classes=["essay"]),
            nodes.container("", links_of(name), classes=["module-links"]),
        ]
        return page + [self._row(name, row) for row in rows_of(source) if row.code or row.words.strip()]

    def _row(self, module: str, row: Row) -> nodes.container:
        """Two columns."""
        left = nodes.container("", *prose(row.words), classes=["annotated-prose"])
        right = nodes.container(classes=["annotated-code"])
        for first, lines in row.code.items():
            text = "\n".join(lines).rstrip()
            right += nodes.literal_block(
                text, text, language="python", linenos=True, highlight_args={"linenostart": first}
            )
        both = nodes.container("", left, right, classes=["annotated-row"])
        if row.name:
            both["ids"].append(nodes.make_id(f"source-{module}-{row.name}"))
        return both


def source_of(name: str) -> Path:
    """The file of a module, or the first of a subpackage."""
    folder = PACKAGE / name
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def modules() -> list[str]:
    """All modules that have a page: the core, and the parts of its subpackages behind their package."""
    found = ["errors"]
    for name in CORE:
        found.append(name)
        if (PACKAGE / name).is_dir():
            found += [f"{name}/{path.stem}" for path in sorted((PACKAGE / name).glob("[!_]*.py"))]
    return found


def write_pages(app: Sphinx) -> None:
    """Write a page for each module, and their index; leave alone what is as it should be."""
    folder = Path(app.srcdir) / "source"
    names = modules()
    pages = {"index": INDEX + "".join(f"   {name}\n" for name in names)}
    for name in names:
        title = name.replace("/", ".")
        pages[name] = f":hide-toc:\n\n{title}\n{'=' * len(title)}\n\n.. annotated-source:: {name}\n"
    for path in folder.rglob("*.rst"):
        if path.relative_to(folder).with_suffix("").as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("annotated-source", AnnotatedSource)
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
