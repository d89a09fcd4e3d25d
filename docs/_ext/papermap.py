"""The map: what each section of the paper is in modules, tutorials, tests and C++. It is made from ``map.toml``.

    .. map-sections::       section, modules, tutorials, labs, C++ then and now
    .. map-claims::         the paper's claims, and what shows each of them
    .. map-differences::    where this library differs from the paper, and why

The same table supplies the links on each page of annotated source. A section that a page names (§2.2) becomes a link to
the map. ``tests/test_map.py`` checks that everything in the table exists.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from docutils import nodes
from essay import inline, reference
from rooms import shown
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

TABLE = Path(__file__).parents[1] / "map.toml"
TUTORIALS = Path(__file__).parents[2] / "tutorials"
HOWTO = TABLE.parent / "howto"
CPP = "https://github.com/microsoft/snmalloc/blob"
THEN, NOW = f"{CPP}/17bbab4f/src", f"{CPP}/f70eb826/src/snmalloc"


@dataclass(frozen=True)
class Section:
    """A section of the paper."""

    number: str
    title: str
    modules: list[str]
    tests: list[str]
    tutorials: list[int]
    labs: list[str]
    then: list[str]
    now: list[str]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper."""

    says: str
    section: str
    shown: list[str]
    how: str = ""


@dataclass(frozen=True)
class Difference:
    """A difference between this library and the paper."""

    what: str
    paper: str
    why: str
    module: str


@dataclass(frozen=True)
class Map:
    """The whole table."""

    tutorials: dict[int, str]
    rooms: dict[str, str]
    guides: dict[str, str]
    tests: dict[str, list[str]]
    sections: list[Section]
    claims: list[Claim]
    differences: list[Difference]


@cache
def read_map() -> Map:
    """Read the table. If a field is missing or unknown, the error names it."""
    found = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Map(
        {int(number): title for number, title in found["tutorial"].items()},
        found["room"],
        found["howto"],
        found["tests"],
        [Section(**each) for each in found["section"]],
        [Claim(**each) for each in found["claim"]],
        [Difference(**each) for each in found["difference"]],
    )


def tutorial_file(number: int) -> Path | None:
    """Return the file of a tutorial, or None if there is none."""
    return next(iter(TUTORIALS.glob(f"{number:02}_*.md")), None)


def tutorial(number: int) -> nodes.Node:
    """Return a link to a tutorial, or its title if the tutorial has no file yet."""
    title = f"{number}. {read_map().tutorials[number]}"
    path = tutorial_file(number)
    shown = nodes.inline("", title)
    return reference("std", "doc", f"/tutorials/{path.stem}", shown) if path else shown


def module(name: str, words: str = "") -> nodes.Node:
    """Return a link to the annotated source of a module or room."""
    return reference("std", "doc", f"/source/{name}", nodes.literal("", words or shown(name)))


def guide(name: str) -> nodes.Node:
    """Return a link to a how-to page, with the page's title."""
    title = (HOWTO / f"{name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return reference("std", "doc", f"/howto/{name}", nodes.inline("", title))


def code(text: str) -> nodes.literal:
    """Return a path or command, which may break after a slash, colon or underscore, but not inside an option."""
    result = nodes.literal("", "", classes=["code"])
    for word in re.split(r"( )", text):
        if word.startswith("--"):
            result += nodes.inline("", word, classes=["option"])
            continue
        first, *rest = re.split(r"(?<=[/:_])(?=[^/:_])", word)
        result += nodes.Text(first)
        for piece in rest:
            result += [nodes.raw("", "<wbr>", format="html"), nodes.Text(piece)]
    return result


def cpp(base: str, path: str) -> nodes.Node:
    """Return a link to a file of the C++."""
    return nodes.reference("", "", code(path), refuri=f"{base}/{path}", internal=False)


def label_of_test(name: str) -> str:
    """Return the label of a test, given as ``test_queue.py::test_x``, with or without its folder."""
    return nodes.make_id("of " + name.removeprefix("tests/"))


def test(name: str) -> nodes.Node:
    """Return a link to a test, ``tests/test_queue.py::test_x``, or to a file of tests."""
    file, _, function = name.partition("::")
    anchor = "#" + label_of_test(name) if function else ""
    return nodes.inline("", "", code(name), to_page=f"source/tests/{Path(file).stem}", anchor=anchor)


def resolve_tests(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Replace links to tests. Sphinx's own links would lose the places where a long name may break."""
    for link in list(doctree.findall(nodes.inline)):
        if "to_page" in link:
            uri = app.builder.get_relative_uri(page, link["to_page"]) + link["anchor"]
            link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))


def proof(text: str) -> nodes.Node:
    """Return a link to what shows a claim: a test, tutorial (``tutorial 10``), figure (``figure 3``) or command."""
    kind, _, name = text.partition(" ")
    if text.startswith("tests/"):
        return test(text)
    if kind == "tutorial":
        return tutorial(int(name))
    if kind == "figure":
        return reference("std", "doc", "/seeing", nodes.inline("", f"Figure {name}, drawn by the running code"))
    return code(text)


def named_tests() -> list[str]:
    """Return the files of tests that the map names, in order."""
    table = read_map()
    found = {file for each in table.sections for file in each.tests}
    found |= {file for files in table.tests.values() for file in files}
    found |= {text.partition("::")[0] for each in table.claims for text in each.shown if text.startswith("tests/")}
    return sorted(found)


def listed(items: Sequence[nodes.Node], between: str = ", ") -> list[nodes.Node]:
    """Return nodes with text between them."""
    pairs = [[nodes.Text(between), item] for item in items]
    return list(chain.from_iterable(pairs))[1:]


def lines(items: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Return nodes below one another."""
    return [nodes.inline("", "", item, classes=["cell-line"]) for item in items]


def around(name: str) -> list[str]:
    """Return a module and the rooms around it, innermost first."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]


def concerns(section: Section, name: str) -> bool:
    """Return whether a section names a module, a room around it, or something in it."""
    return any(each in around(name) or name in around(each) for each in section.modules)


def tests_of(name: str) -> list[str]:
    """Return the tests of a module, or of the innermost room around it that has tests."""
    known = read_map().tests
    return next((known[each] for each in around(name) if each in known), [])


def links_of(name: str) -> nodes.bullet_list:
    """Return the links of a module's page, such as sections, tutorials, reference and tests."""
    sections = [each for each in read_map().sections if concerns(each, name)]
    full = "pysnmalloc." + name.replace("/", ".")
    described = reference("std", "doc", f"/reference/api/{full}", code(full))
    if name.split("/")[0] == "cli":
        described = reference("std", "doc", "/reference/cli", nodes.inline("", "the command line"))
    numbers = sorted({number for each in sections for number in each.tutorials})
    items = [
        ("Room", [module(each) for each in around(name)[1:2]]),
        ("On a first reading", [*inline(read_map().rooms.get(name, ""), name)]),
        ("Paper", [next(iter(inline(f"§{each.number}"))) for each in sections]),
        ("Tutorials", [tutorial(number) for number in numbers]),
        ("How to", [guide(read_map().guides[each]) for each in around(name) if each in read_map().guides]),
        ("Reference", [described]),
        ("Tests", [test(file) for file in tests_of(name)]),
    ]
    result = nodes.bullet_list()
    for title, found in items:
        if found:
            between = "" if title == "On a first reading" else ", "
            words = listed(found, between)
            result += nodes.list_item("", nodes.paragraph("", "", nodes.strong("", f"{title}: "), *words))
    return result


class SectionLinks(SphinxTransform):
    """Turns sections named in prose into links: §2.2 leads to its row of the map."""

    default_priority = 210

    def apply(self, **_kwargs: object) -> None:
        """Replace the section numbers in the text."""
        if self.env.docname == "map":
            return
        for words in list(self.document.findall(nodes.Text)):
            if "§" not in words or any(isinstance(each, NO_LINKS) for each in parents(words)):
                continue
            found = list(sections_in(words))
            if len(found) > 1 or not isinstance(found[0], nodes.Text):
                words.parent.replace(words, found)


NO_LINKS = (nodes.title, nodes.reference, nodes.FixedTextElement, nodes.literal, nodes.raw, pending_xref, nodes.term)
SECTION = re.compile(r"(§[123](?:\.\d)?)(?![\d.]\d)")


def parents(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the elements around a node, innermost first."""
    while node.parent is not None:
        node = node.parent
        yield node


def sections_in(words: str) -> Iterator[nodes.Node]:
    """Yield the text, with links to the sections that are on the map."""
    known = {each.number for each in read_map().sections}
    for piece in SECTION.split(words):
        if SECTION.fullmatch(piece) and piece[1:] in known:
            yield next(iter(inline(piece)))
        elif piece:
            yield nodes.Text(piece)


class MapDirective(SphinxDirective):
    """What the three directives have in common."""

    head: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        from lawbook import table  # lawbook imports this module, through annotated

        self.env.note_dependency(str(TABLE))
        read_map.cache_clear()
        return [table(self.head, list(self.rows()), self.widths)]

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """Yield the rows, each a tuple of cells of inline nodes."""
        raise NotImplementedError


class Sections(MapDirective):
    """The sections of the paper, each with an anchor for links."""

    head = ("§", "modules", "tutorials", "lab: try it", "C++ then", "C++ now")
    widths = (14, 18, 17, 17, 16, 18)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """Yield a row for each section."""
        for each in read_map().sections:
            label = "paper-" + each.number.replace(".", "-")
            anchor = nodes.target("", "", ids=[label], names=[label])
            self.state.document.note_explicit_target(anchor)
            yield (
                [anchor, nodes.strong("", f"§{each.number}"), nodes.Text(f" {each.title}")],
                listed([module(name) for name in each.modules]),
                lines([tutorial(number) for number in each.tutorials]),
                lines([code(lab) for lab in each.labs]),
                lines([cpp(THEN, path) for path in each.then]),
                lines([cpp(NOW, path) for path in each.now]),
            )


class Claims(MapDirective):
    """The paper's claims."""

    head = ("the paper says", "§", "shown by")
    widths = (42, 8, 50)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """Yield a row for each claim."""
        for each in read_map().claims:
            shown = lines([proof(text) for text in each.shown])
            yield [*inline(each.says)], [*inline(f"§{each.section}")], [*shown, *inline(each.how)]


class Differences(MapDirective):
    """The differences from the paper."""

    head = ("this library", "the paper and its C++", "why", "module")
    widths = (28, 24, 36, 12)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """Yield a row for each difference."""
        for each in read_map().differences:
            yield [*inline(each.what)], [*inline(each.paper)], [*inline(each.why)], [module(each.module)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives, the transform and the hook."""
    app.add_directive("map-sections", Sections)
    app.add_directive("map-claims", Claims)
    app.add_directive("map-differences", Differences)
    app.add_transform(SectionLinks)
    app.connect("doctree-resolved", resolve_tests)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
