"""The built pages, read as files: every link leads somewhere, and every public name has a description."""

from __future__ import annotations

import importlib
import io
import pkgutil
import re
import tokenize
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sphinx.util.inventory import InventoryFile

import pysnmalloc

OURS = ("lite/", "_static/", "notebooks/")


class Page(HTMLParser):
    """Collects a page's links and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what an element links to, and its name."""
        found = dict(attrs)
        self.anchors |= {value for key, value in attrs if key in ("id", "name") and value}
        for key in ("href", "src"):
            value = found.get(key)
            if value and not (tag == "link" and found.get("rel") == "canonical"):
                self.links.add(value)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """All pages of ours."""
    paths = [path for path in site.rglob("*.html") if not path.relative_to(site).as_posix().startswith(OURS)]
    return {path: Page(path) for path in paths}


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 80
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or not target.is_relative_to(site):
                broken.append(f"{path.relative_to(site)}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{path.relative_to(site)}: {link} (no such anchor)")
    assert broken == []


def test_nothing_of_a_page_comes_from_elsewhere(pages: dict[Path, Page]) -> None:
    """Links may lead out; scripts, styles and images may not."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]*src=\"(?:https?:)?//", text), path
        assert not re.search(r"<link[^>]*rel=\"(?:stylesheet|preload)\"[^>]*href=\"(?:https?:)?//", text), path


def public_names() -> list[str]:
    """Every name of every module's ``__all__``, by the module it is made in."""
    names = []
    for found in pkgutil.walk_packages(pysnmalloc.__path__, "pysnmalloc."):
        if found.ispkg or found.name.startswith("pysnmalloc.cli") or found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        package, _, last = found.name.rpartition(".")
        if getattr(importlib.import_module(package), last) is not module:
            names.append(found.name)  # the package has a function of that name, which hides the module
            continue
        names += [f"{found.name}.{name}" for name in module.__all__]
    return names


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda _base, uri: uri)
    described = {name for role, entries in inventory.items() if role.startswith("py:") for name in entries}
    assert [name for name in public_names() if name not in described] == []


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


def test_the_reference_has_all_laws_errors_and_commands(site: Path) -> None:
    laws = (site / "reference" / "laws.html").read_text(encoding="utf-8")
    errors = (site / "reference" / "errors.html").read_text(encoding="utf-8")
    commands = re.sub(r"<[^>]+>", "", (site / "reference" / "cli.html").read_text(encoding="utf-8"))
    from pysnmalloc.cli import app
    from pysnmalloc.errors import __all__ as names
    from pysnmalloc.laws import LAWS

    assert laws.count('<section id="law-') == len(LAWS)
    assert [name for name in names if f">{name}<" not in errors] == []
    for command in app.registered_commands:
        assert f"pysnmalloc {command.name}" in commands
