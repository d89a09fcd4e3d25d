"""Annotated source: a module as prose beside code, both taken from the module itself.

    .. annotated-source:: freelist

    essay, with its picture                        the module's docstring
    links                                          section, tutorial, reference, tests: from the map
    table of the room                              for a room only: a row per module, in the front page's order
    ┌──────────────────┬───────────────────────┐
    │ docstring        │ 32  def take(...):    │   a row begins with a class or function,
    ├──────────────────┼───────────────────────┤   and with a comment on its own line
    │ comment          │ 45      after = ...   │
    └──────────────────┴───────────────────────┘

The law: each line of the module is on the page once, as prose or as code. Code keeps its line numbers, which are also
anchors (``#L-45``). The list that ends a front page is the one exception: the table of the room takes its place. The
build first writes the pages of all modules and of the tests that the map names, so a new module needs no entry.

.. module-table:: concepts      the concepts, or the rooms, with the opening and the length of each
.. test-source:: test_queue     a file of tests; each test has an anchor, so that the map can link to it
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
from essay import inline, prose
from papermap import label_of_test, links_of, module, named_tests, read_map
from rooms import CONCEPTS, PACKAGE, ROOMS, is_room, modules, modules_of, shown, source_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TEST_FOLDER = PACKAGE.parent / "tests"
TOOLING = re.compile(r"#\s*(noqa|type:|fmt:|pragma:)|#:")
LINES = "L"
INDEX = """\
Annotated source
================

These pages show every module of the library, with its prose beside its code. The text is the module's own, word for
word: its opening essay, the docstrings of its classes and functions, and its comments, each beside the lines that it
explains. Read the modules in the order of this page.

The concepts
------------

Each concept of the paper is a module. A module imports only modules above it. ``heap``, the last one, also imports some
of the rooms. :doc:`sizeclass`, :doc:`freelist` and :doc:`messagequeue` are short and can be read alone.

.. module-table:: concepts

The rooms
---------

All other code is in rooms. Each room has a front page, which states the room's purpose and lists its modules.

.. module-table:: rooms

The tests
---------

:doc:`tests/index` lists the tests that :doc:`the map </map>` names. Read each test beside the module that it tests.

.. toctree::
   :hidden:

"""
TESTS = """\
The tests
=========

These tests show that the library does what the paper says. :doc:`The map </map>` names the test that shows each claim.
``pytest`` runs a test by that name.

.. toctree::
   :maxdepth: 1

"""


@dataclass
class Row:
    """Prose, and the code beside it: for each piece of code, the number of its first line, and its lines."""

    words: str = ""
    depth: int = 0
    name: str = ""
    code: dict[int, list[str]] = field(default_factory=dict)


def docstring_of(node: ast.AST) -> ast.expr | None:
    """Return the docstring of a class, function or module, or None if there is none."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if not isinstance(node, kinds) or ast.get_docstring(node) is None:
        return None
    first = node.body[0]
    return first.value if isinstance(first, ast.Expr) else None


def starts(tree: ast.Module) -> tuple[dict[int, Row], set[int]]:
    """Return the rows that classes and functions begin, by line number, and the numbers of all docstring lines."""
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
    """Return the comments on lines of their own, by line number. Comments for tools remain code."""
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
        """Return the essay, the links, the room's table and the rows."""
        name = self.arguments[0]
        path = source_of(name)
        self.env.note_dependency(str(path))
        source = path.read_text(encoding="utf-8")
        opening = ast.get_docstring(ast.parse(source)) or ""
        if is_room(name):
            opening = opening.rpartition("\n\n")[0]  # the table replaces the list of modules
        page: list[nodes.Node] = [
            nodes.container("", *prose(opening, name), classes=["essay"]),
            nodes.container("", links_of(name), classes=["module-links"]),
        ]
        if is_room(name):
            page.append(table_of(modules_of(name), shorter=True))
        return page + [self._row(name, row) for row in rows_of(source) if row.code or row.words.strip()]

    def _row(self, module: str, row: Row) -> nodes.container:
        """Return a row as two columns."""
        left = nodes.container("", *prose(row.words), classes=["annotated-prose"])
        right = nodes.container(classes=["annotated-code"])
        for first, lines in row.code.items():
            right += numbered("\n".join(lines).rstrip(), first)
        both = nodes.container("", left, right, classes=["annotated-row"])
        if row.name:
            both["ids"].append(nodes.make_id(f"source-{module}-{row.name}"))
        return both


def numbered(code: str, first: int) -> nodes.literal_block:
    """Return code with line numbers. Each line is an element of its own, with an anchor, and can wrap."""
    arguments = {"linenostart": first, "linespans": LINES}
    return nodes.literal_block(code, code, language="python", linenos=True, highlight_args=arguments)


class TestSource(SphinxDirective):
    """The page of one file of tests."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the file's docstring and each piece of its code."""
        name = self.arguments[0]
        path = TEST_FOLDER / f"{name}.py"
        self.env.note_dependency(str(path))
        source = path.read_text(encoding="utf-8")
        lines, tree = source.splitlines(), ast.parse(source)
        opening = docstring_of(tree)
        result: list[nodes.Node] = list(prose(ast.get_docstring(tree) or ""))
        starts = [min([node.lineno, *(each.lineno for each in node.decorator_list)]) for node in definitions(tree)]
        ends = [*(start - 1 for start in starts), len(lines)]
        first = (opening.end_lineno or 0) + 1 if opening else 1
        result += pieces(lines, first, ends[0])
        for node, start, end in zip(definitions(tree), starts, ends[1:], strict=True):
            part = nodes.container("", *pieces(lines, start, end), classes=["test-source"])
            if node.name.lower().startswith("test"):
                label = label_of_test(f"{name}.py::{node.name}")
                part["ids"], part["names"] = [label], [label]
                self.state.document.note_explicit_target(part)
            result.append(part)
        return result


def definitions(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return the functions and classes of a file."""
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def pieces(lines: list[str], first: int, last: int) -> list[nodes.Node]:
    """Return lines as code, or no node if they are empty."""
    while first <= last and not lines[first - 1].strip():
        first += 1
    code = "\n".join(lines[first - 1 : last]).rstrip()
    return [numbered(code, first)] if code else []


class ModuleTable(SphinxDirective):
    """The opening of each concept or room. For a room, also advice for a first reading."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        names = {"concepts": CONCEPTS, "rooms": ROOMS}[self.arguments[0]]
        for name in names:
            self.env.note_dependency(str(source_of(name)))
        return [table_of(names)]


def table_of(names: list[str], shorter: bool = False) -> nodes.container:
    """Return a row per module: name, opening paragraph, length. If ``shorter``, names omit their room's name."""
    from lawbook import table  # lawbook imports this module

    advice = read_map().rooms
    rows = []
    for name in names:
        opening = ast.get_docstring(ast.parse(source_of(name).read_text(encoding="utf-8"))) or ""
        words = [*inline(opening.split("\n\n")[0], name)]
        if name in advice:
            words += [nodes.Text(" "), nodes.strong("", "On a first reading: "), *inline(advice[name], name)]
        last = shown(name).removeprefix(name.rpartition("/")[0] + "/")
        rows.append(([module(name, last if shorter else "")], words, [nodes.Text(length_of(name))]))
    return table(("module", "opening", "lines"), rows, widths=(18, 64, 18))


def length_of(name: str) -> str:
    """Return the number of lines of a module. For a room, also the number of files."""
    path = source_of(name)
    files = sorted(path.parent.rglob("*.py")) if is_room(name) else [path]
    length = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    return f"{length:,}" + (f", in {len(files)} files" if len(files) > 1 else "")


def page_of(name: str) -> str:
    """Return the text of a module's page. The page of a room links to the pages of the modules in it."""
    title = shown(name)
    text = f":hide-toc:\n\n{title}\n{'=' * len(title)}\n\n.. annotated-source:: {name}\n"
    below = modules_of(name) if is_room(name) else []
    if below:
        text += "\n.. toctree::\n   :hidden:\n\n"
    return text + "".join(f"   {shown(each).removeprefix(title)} </source/{each}>\n" for each in below)


def write_pages(app: Sphinx) -> None:
    """Write a page for each module and each file of tests, and the index pages. Keep unchanged pages as they are."""
    folder = Path(app.srcdir) / "source"
    tests = [Path(name).stem for name in named_tests()]
    pages = {name: page_of(name) for name in modules()}
    pages["index"] = INDEX + "".join(f"   {name}\n" for name in (*CONCEPTS, *ROOMS, "tests/index"))
    pages["tests/index"] = TESTS + "".join(f"   {name}\n" for name in tests)
    for name in tests:
        pages[f"tests/{name}"] = f":hide-toc:\n\n{name}\n{'=' * len(name)}\n\n.. test-source:: {name}\n"
    for path in folder.rglob("*.rst"):
        if path.relative_to(folder).with_suffix("").as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the hook."""
    app.add_directive("annotated-source", AnnotatedSource)
    app.add_directive("module-table", ModuleTable)
    app.add_directive("test-source", TestSource)
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
