"""The laws, the errors and the thread rules, each taken from the code that defines it.

.. laws::            every law of ``laws.LAWS``: name, section, meaning, code
.. error-table::     the errors of the concepts, or of the rooms: cause, and what to do
.. thread-rules::    who may call what, for each module that states a rule
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator

from annotated import numbered
from docutils import nodes
from essay import inline, prose, reference
from papermap import module as link_to
from rooms import PACKAGE, ROOMS, modules, source_of
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pysnmalloc import errors
from pysnmalloc.inspection import laws

CURE = "What to do:"
RULE = re.compile(r"Who may call what: (.*)", re.DOTALL)


class Laws(SphinxDirective):
    """All laws, in the order in which they are checked."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each law."""
        self.env.note_dependency(str(source_of("inspection/laws")))
        return [self._section(number, law) for number, law in enumerate(laws.LAWS, start=1)]

    def _section(self, number: int, law: laws.Law) -> nodes.section:
        """Return the section of one law."""
        title = law.name[0].upper() + law.name[1:]
        section = nodes.section(ids=[nodes.make_id(f"law {law.name}")], names=[nodes.fully_normalize_name(title)])
        section += nodes.title(title, title)
        code, first = code_of(law)
        section += nodes.paragraph("", "", nodes.Text(f"Law {number} of {len(laws.LAWS)}, "), *inline(law.section))
        section.extend(prose(inspect.getdoc(law.breaches) or ""))
        section += numbered(code, first)
        self.state.document.note_implicit_target(section, section)
        return section


def code_of(law: laws.Law) -> tuple[str, int]:
    """Return the code of a law without its docstring, and the number of its first line."""
    lines, first = inspect.getsourcelines(law.breaches)
    node = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(node, ast.FunctionDef)
    start = node.body[1].lineno if ast.get_docstring(node) else node.body[0].lineno
    return textwrap.dedent("".join(lines[start - 1 :])), first + start - 1


def rules() -> Iterator[tuple[str, str]]:
    """Yield each module that has a thread rule, and the rule."""
    for name in modules():
        text = ast.get_docstring(ast.parse(source_of(name).read_text(encoding="utf-8"))) or ""
        for paragraph in text.split("\n\n"):
            if match := RULE.match(paragraph.strip()):
                yield name, match[1]


class ErrorTable(SphinxDirective):
    """Errors, with the cause and what to do, from their docstrings."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        self.env.note_dependency(str(PACKAGE))
        rows = []
        for error in errors_of(self.arguments[0] == "concepts"):
            cause, cure = cause_and_cure(error)
            full, code = f"{error.__module__}.{error.__qualname__}", nodes.literal("", error.__name__, classes=["code"])
            name = [*findable(error.__name__), reference("py", "exc", full, code)]
            rows.append((name, [*inline(cause)], [*inline(cure[0].upper() + cure[1:])]))
        return [table(("error", "cause", "what to do"), rows, widths=(18, 36, 46))]


def findable(name: str) -> tuple[nodes.Node, nodes.Node]:
    """Return an index entry with the words of an error's name, which a search finds, and the anchor it leads to."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    anchor = f"error-{words.replace(' ', '-')}"
    entry = addnodes.index(entries=[("single", words, anchor, "main", None)])
    return entry, nodes.target("", "", ids=[anchor])


def errors_of(concepts: bool) -> list[type[Exception]]:
    """Return the errors of the concepts, their base class first, or the errors that the rooms add."""
    if concepts:
        names = sorted(errors.__all__, key=lambda name: name != "SnmallocError")
        return [getattr(errors, name) for name in names]
    found: list[type[Exception]] = []
    for name in modules():
        if name.split("/")[0] in set(ROOMS) - {"cli"}:
            module = importlib.import_module("pysnmalloc." + name.replace("/", "."))
            members = [getattr(module, each) for each in getattr(module, "__all__", ())]
            kinds = [each for each in members if isinstance(each, type) and issubclass(each, Exception)]
            found += [each for each in kinds if each.__module__ == module.__name__ and CURE in (each.__doc__ or "")]
    return found


def cause_and_cure(error: type[Exception]) -> tuple[str, str]:
    """Return an error's first paragraph, and the one that says what to do."""
    paragraphs = (inspect.getdoc(error) or "").split("\n\n")
    cure = next((text for text in paragraphs if text.startswith(CURE)), "")
    return paragraphs[0], cure.removeprefix(CURE).strip()


class ThreadRules(SphinxDirective):
    """Who may call what, as a table."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        self.env.note_dependency(str(PACKAGE))
        rows = [([link_to(name)], [*inline(rule[0].upper() + rule[1:])]) for name, rule in rules()]
        return [table(("module", "who may call what"), rows, widths=(20, 80))]


def table(
    head: tuple[str, ...], rows: list[tuple[list[nodes.Node], ...]], widths: tuple[int, ...] = ()
) -> nodes.container:
    """Return a table of inline nodes.

    On a narrow screen, each row is a card. Each cell therefore contains its column's title, which is hidden in a
    wide table.
    """
    group = nodes.tgroup(cols=len(head))
    for width in widths or (1,) * len(head):
        group += nodes.colspec(colwidth=width)
    titles = nodes.row("", *(nodes.entry("", nodes.paragraph(title, title)) for title in head))
    group += nodes.thead("", titles)
    body = [nodes.row("", *(cell_of(title, cell) for title, cell in zip(head, row, strict=True))) for row in rows]
    group += nodes.tbody("", *body)
    return nodes.container("", nodes.table("", group, classes=["colwidths-given"]), classes=["wide-table"])


def cell_of(title: str, cell: list[nodes.Node]) -> nodes.entry:
    """Return a cell, with its column's title."""
    titled = nodes.inline("", f"{title}: ", classes=["cell-title"])
    return nodes.entry("", nodes.paragraph("", "", titled, *cell), classes=[] if cell else ["empty-cell"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("laws", Laws)
    app.add_directive("error-table", ErrorTable)
    app.add_directive("thread-rules", ThreadRules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
