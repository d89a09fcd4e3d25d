"""The built pages, read as files: every link leads somewhere, and every public name has a description."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import io
import itertools
import pkgutil
import re
import tokenize
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import jupytext
import nbformat
import pytest
from sphinx.util.inventory import InventoryFile

import pysnmalloc
from docs.lite.build import SITE
from tests.house import House
from tests.test_documented import WITHOUT

ROOT = Path(__file__).parents[2]
OURS = ("lite/", "_static/", "notebooks/")
HOST = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}")
NO_ADDRESS = re.compile(r"[\s<>\"{}|\\^`]|[.,;:)]$")
MARK = re.compile(r"\{[a-z][\w:-]*\}`|:::+\{|^```\{", re.MULTILINE)
ROLE = re.compile(r"\{[a-z][\w:]*\}`[^`]+`")
SHOWN_AS_IT_IS = ("pre", "code", "script", "style")


class Page(HTMLParser):
    """Collects a page's links, its anchors, and its text without code."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.text = ""
        self._inside = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what an element links to, and its name."""
        found = dict(attrs)
        self._inside += tag in SHOWN_AS_IT_IS
        self.anchors |= {value for key, value in attrs if key in ("id", "name") and value}
        for key in ("href", "src"):
            value = found.get(key)
            if value and not (tag == "link" and found.get("rel") == "canonical"):
                self.links.add(value)

    def handle_endtag(self, tag: str) -> None:
        """Leave what is shown as it is."""
        self._inside -= tag in SHOWN_AS_IT_IS

    def handle_data(self, data: str) -> None:
        """Take the text, without code."""
        if not self._inside:
            self.text += data


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """All pages of ours."""
    paths = [path for path in site.rglob("*.html") if not path.relative_to(site).as_posix().startswith(OURS)]
    return {path: Page(path) for path in paths}


def broken_links(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """The links into the site that lead nowhere, and what is wrong with each."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            said = f"{path.relative_to(site)}: {link}"
            if not target.is_file() or not target.is_relative_to(site):
                yield said
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{said} (no such anchor)"
            notebook = parse_qs(parts.query).get("path", [])
            if "lite" in target.parts and not all((site / "lite" / "files" / name).is_file() for name in notebook):
                yield f"{said} (no such notebook)"


def malformed(link: str) -> bool:
    """Tell whether a link to elsewhere cannot be one; whether somebody answers is not asked."""
    parts = urlsplit(link)
    if parts.scheme == "mailto":
        return "@" not in parts.path
    at_doi = parts.netloc == "doi.org" and not re.fullmatch(r"/10\.\d{4,9}/\S+", parts.path)
    return bool(parts.scheme != "https" or not HOST.fullmatch(parts.netloc) or NO_ADDRESS.search(link) or at_doi)


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 80
    assert sorted(broken_links(site, pages)) == []


def test_links_to_elsewhere_are_well_formed(pages: dict[Path, Page]) -> None:
    links = {link for page in pages.values() for link in page.links if urlsplit(link).scheme not in ("", "data")}
    assert len(links) > 20
    assert sorted(link for link in links if malformed(link)) == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "lite" / "files").mkdir(parents=True)
    (tmp_path / "lite" / "index.html").write_text("")
    links = [
        "b.html",
        "c.html",
        "#here",
        "#there",
        "b.html#x",
        "b.html#y",
        "../a.html",
        "lite",
        "lite/index.html?path=n",
    ]
    (tmp_path / "a.html").write_text('<p id="here">' + "".join(f'<a href="{link}"></a>' for link in links))
    (tmp_path / "b.html").write_text('<p id="x"><img src="none.png">')
    found = {path: Page(path) for path in tmp_path.glob("*.html")}
    assert {line.split(": ")[1] for line in broken_links(tmp_path, found)} == {
        "c.html",
        "#there (no such anchor)",
        "b.html#y (no such anchor)",
        "../a.html",
        "lite",
        "lite/index.html?path=n (no such notebook)",
        "none.png",
    }


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("https://doi.org/10.1145/3315573.3329980", False),
        ("https://github.com/microsoft/snmalloc/blob/17bbab4f/src/mem/alloc.h", False),
        ("https://doi.org/3315573.3329980", True),
        ("http://example.org/", True),
        ("https://example/", True),
        ("https://example.org/a b", True),
        ("https://example.org/page).", True),
    ],
)
def test_what_is_well_formed(link: str, wrong: bool) -> None:
    assert malformed(link) is wrong


def test_no_mark_is_left_in_the_text(pages: dict[Path, Page]) -> None:
    """A role or directive that was not understood stays on the page, as it was written."""
    left = {path.name: found for path, page in pages.items() if (found := MARK.findall(page.text))}
    assert left == {}
    assert MARK.findall("see {doc}`map`, {py:class}`~a.B` and :::{note}") == ["{doc}`", "{py:class}`", ":::{"]


def test_nothing_of_a_page_comes_from_elsewhere(pages: dict[Path, Page]) -> None:
    """Links may lead out; scripts, styles and images may not."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]*src=\"(?:https?:)?//", text), path
        assert not re.search(r"<link[^>]*rel=\"(?:stylesheet|preload)\"[^>]*href=\"(?:https?:)?//", text), path


def public_names() -> Iterator[str]:
    """Every name of every module's ``__all__``, by the module it is made in."""
    for found in pkgutil.walk_packages(pysnmalloc.__path__, "pysnmalloc."):
        if not found.ispkg and not WITHOUT.match(found.name.partition(".")[2]):
            yield from (f"{found.name}.{name}" for name in importlib.import_module(found.name).__all__)


def fields(name: str) -> Iterator[str]:
    """The fields of a public record, and the members of an enumeration."""
    module, _, last = name.rpartition(".")
    value = getattr(importlib.import_module(module), last)
    if isinstance(value, type) and dataclasses.is_dataclass(value):
        own = vars(value).get("__annotations__", {})
        public = (each.name for each in dataclasses.fields(value) if each.name in own and each.name[0] != "_")
        yield from (f"{name}.{field}" for field in public)
    elif isinstance(value, enum.EnumType):
        yield from (f"{name}.{member}" for member in value.__members__)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda _base, uri: uri)
    described = {name for role, entries in inventory.items() if role.startswith("py:") for name in entries}
    names = list(public_names())
    assert [name for name in names if name not in described] == []
    assert [field for name in names for field in fields(name) if field not in described] == []


def code_lines(source: str) -> set[int]:
    """The lines of a source that are code: no comment, no docstring, not empty."""
    found: set[int] = set()
    statement: set[int] = set()
    only_text = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            found |= set() if only_text else statement
            statement, only_text = set(), True
        elif token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            statement |= set(range(token.start[0], token.end[0] + 1))
            only_text &= token.type == tokenize.STRING
    return found


def modules() -> list[Path]:
    """Every module that has a page of annotated source, as its file."""
    package = Path(pysnmalloc.__file__).parent
    return [
        path for path in sorted(package.rglob("*.py")) if path not in (package / "__init__.py", package / "__main__.py")
    ]


def test_every_line_of_code_is_in_the_annotated_source_once(site: Path) -> None:
    for path in modules():
        place = path.relative_to(Path(pysnmalloc.__file__).parent)
        name = (place.parent if path.stem == "__init__" else place.with_suffix("")).as_posix()
        page = (site / "source" / f"{name}.html").read_text(encoding="utf-8")
        numbers = [int(found) for found in re.findall(r'<span class="linenos">\s*(\d+)</span>', page)]
        assert numbers == sorted(set(numbers)), f"{name}: a line stands on the page twice"
        assert code_lines(path.read_text(encoding="utf-8")) <= set(numbers), f"{name}: lines are missing"


def pages_linked(page: Path) -> list[str]:
    """The pages of modules that the tables of a page lead to, in order, each by its name from ``source`` on."""
    tables = "".join(re.findall(r"<table.*?</table>", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    first = re.findall(r'<tr[^>]*><td[^>]*><p>.*?href="([^"#]+)\.html"', tables)
    source = page.parents[[parent.name for parent in page.parents].index("source")]
    return [(page.parent / name).resolve().relative_to(source.resolve()).as_posix() for name in first]


def test_the_annotated_source_is_in_reading_order(site: Path) -> None:
    house = House(Path(pysnmalloc.__file__).parent)
    top = house.listed(())
    rooms = [name for name in top if (name,) in house.rooms]
    source = site / "source"
    assert pages_linked(source / "index.html") == [*(name for name in top if name not in rooms), *rooms]
    for room in house.rooms - {()}:
        name = "/".join(room)
        assert pages_linked(source / f"{name}.html") == [f"{name}/{each}" for each in house.listed(room)]


def test_a_name_in_an_essay_leads_to_the_page_of_that_name(site: Path) -> None:
    source = (site / "source").resolve()
    links = 0
    for page in source.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link, shown in re.findall(r'href="([^"#:]+)\.html"[^>]*><span class="doc">([\w/.]+)</span>', text):
            target = (page.parent / link).resolve()
            if target.is_relative_to(source):
                links += 1
                assert f"/{target.relative_to(source)}".endswith(f"/{shown.removesuffix('/').replace('.', '/')}"), page
    assert links > 100


def test_the_reference_has_all_laws_errors_and_commands(site: Path) -> None:
    laws = (site / "reference" / "laws.html").read_text(encoding="utf-8")
    errors = (site / "reference" / "errors.html").read_text(encoding="utf-8")
    commands = re.sub(r"<[^>]+>", "", (site / "reference" / "cli.html").read_text(encoding="utf-8"))
    from pysnmalloc.cli import app
    from pysnmalloc.errors import __all__ as names
    from pysnmalloc.inspection.laws import LAWS

    assert laws.count('<section id="law-') == len(LAWS)
    assert [name for name in names if f">{name}<" not in errors] == []
    for command in app.registered_commands:
        assert f"pysnmalloc {command.name}" in commands


@pytest.mark.parametrize("tutorial", sorted(ROOT.glob("tutorials/[0-9][0-9]_*.md")), ids=lambda path: path.stem)
def test_a_download_is_a_notebook_with_a_kernel_and_no_output(
    site: Path, pages: dict[Path, Page], tutorial: Path
) -> None:
    download = site / "notebooks" / f"{tutorial.stem}.ipynb"
    page = pages[site / "tutorials" / f"{tutorial.stem}.html"]
    assert f"../notebooks/{download.name}" in page.links
    notebook = nbformat.read(download, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []
    source = [cell.source for cell in jupytext.read(tutorial).cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == source
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert words.startswith("# ")
    assert MARK.findall(re.sub(r"```.*?```|`[^`]*`", "", words, flags=re.DOTALL)) == []


def links_in(notebook: Path) -> list[str]:
    """The addresses that a notebook's text links to."""
    cells = nbformat.read(notebook, as_version=nbformat.NO_CONVERT).cells
    words = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"\]\(([^()\s]+)\)", re.sub(r"```.*?```", "", words, flags=re.DOTALL))


@pytest.mark.parametrize("folder", ["notebooks", "lite/files"])
def test_every_link_of_a_notebook_leads_somewhere(
    site: Path, pages: dict[Path, Page], folder: str, tmp_path: Path
) -> None:
    """The addresses are those that a reader gets if the site is served from its own folder."""
    notebooks = sorted((site / folder).glob("[0-9]*.ipynb"))
    assert len(notebooks) == 12
    found: dict[Path, Page] = {}
    for notebook in notebooks:
        links = links_in(notebook)
        roles = re.findall(ROLE, (ROOT / "tutorials" / f"{notebook.stem}.md").read_text(encoding="utf-8"))
        assert len(links) >= len(roles) > 10, "each role of the tutorial is a link"
        ours = [link.removeprefix(SITE) for link in links if link.startswith(SITE)]
        assert [link for link in links if not link.startswith(SITE) and malformed(link)] == []
        copy = tmp_path / notebook.name
        copy.write_text("".join(f'<a href="{link}"></a>' for link in ours), encoding="utf-8")
        found[site / notebook.name] = Page(copy)
    broken = [said for said in broken_links(site, pages | found) if ".ipynb: " in said]
    assert broken == []
    for this, after in itertools.pairwise(notebooks):
        last = links_in(this)[-1]
        page = f"tutorials/{after.stem}.html"
        wanted = page if folder == "notebooks" else f"lite/notebooks/index.html?path={after.name}"
        assert last == SITE + wanted


@pytest.mark.parametrize(
    "part", ["glossary.html#term-slab", "map.html#paper-2-8", "reference/laws.html", "bibliography.html#"]
)
def test_notebooks_link_to_terms_sections_laws_and_references(site: Path, part: str) -> None:
    assert any(link.startswith(SITE + part) for link in links_in(site / "notebooks" / "02_a_slab.ipynb"))
