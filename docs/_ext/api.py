"""Hooks for the reference: docstrings in a form that napoleon understands, and the command line's own help.

A module opens with an essay and a text picture, which autodoc would read as markup. In an attribute's docstring,
napoleon takes the text before a colon for a type: ``log2 of a slab. At most 16: ...``. It also expects one name per
field, unlike ``u8, u16: views``.
"""

from __future__ import annotations

import builtins
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import GenericAlias
from typing import TypeVar

from docutils import nodes
from essay import restructured
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

PROGRAM = "pysnmalloc"
ROOT = Path(__file__).parents[2]
SEVERAL = re.compile(r"( {4,8})([a-z]\w*(?:, [a-z]\w*)+): ")
OPTION = re.compile(r"(?<![\w-])(--[a-z]+(?:-[a-z]+)*(?:=\w+)?)")
BEFORE_NAPOLEON = 400


def essays(_app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]) -> None:
    """Rewrite a docstring so that napoleon reads it as intended."""
    if what == "module" and lines:
        lines[:] = restructured("\n".join(lines))
    elif what in ("attribute", "data", "property") and lines:
        # Napoleon takes no type from a line that ends with the colon.
        lines[:1] = lines[0].replace(": ", ":\n").splitlines()
    else:
        lines[:] = [SEVERAL.sub(lambda found: f"{found[1]}{found[2].replace(', ', '/')}: ", line) for line in lines]


def full_names(_app: Sphinx, doctree: nodes.document) -> None:
    """Write type names in full, since two modules may each have a class ``Event``. Do not link private classes."""
    for link in list(doctree.findall(pending_xref)):
        module, name = link.get("py:module"), link.get("reftarget", "")
        if link.get("refdomain") != "py" or not module or not module.startswith(PROGRAM):
            continue
        if hasattr(builtins, name):
            for key in ("refspecific", "py:module", "py:class"):
                link.attributes.pop(key, None)  # otherwise it is a field of that name, such as an event's ``object``
            continue
        found = known(module, name) if name.isidentifier() else named(name)
        if isinstance(found, (GenericAlias, TypeVar)):
            link.replace_self(link.children)
            continue
        if isinstance(found, type) and found.__module__.startswith(PROGRAM):
            if found.__name__ in importlib.import_module(found.__module__).__all__:
                link["reftarget"] = f"{found.__module__}.{found.__qualname__}"
            else:
                link.replace_self(link.children)


def known(module: str, name: str) -> object:
    """Return what a module or a concept knows by a name: a class may inherit its words from another module."""
    concept = f"{PROGRAM}.{name.lower()}"
    found = getattr(importlib.import_module(module), name, None)
    return named(f"{concept}.{name}") if found is None and is_module(concept) else found


def named(name: str) -> object:
    """Return what has a full name in this package, or None."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last, None) if module.startswith(PROGRAM) else None


def drop_stale(app: Sphinx, _config: object) -> None:
    """Delete all generated pages if the module of one is gone. Autosummary deletes none, and reads old lists."""
    pages = list((Path(app.srcdir) / "reference" / "api").glob(f"{PROGRAM}*.rst"))
    if not all(is_module(page.stem) for page in pages):
        for page in pages:
            page.unlink()


def is_module(name: str) -> bool:
    """Return whether a module or room with this full name exists."""
    path = ROOT.joinpath(*name.split("."))
    return (path / "__init__.py").exists() or path.with_suffix(".py").exists()


def write_command_line(app: Sphinx) -> None:
    """Let typer write the page of the command line from the commands' help."""
    target = Path(app.srcdir) / "_generated" / "cli.md"
    target.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "typer", f"{PROGRAM}.cli", "utils", "docs", "--name", PROGRAM]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # The page that includes this text has its own title.
    below = in_full(text.partition("\n")[2])
    if not target.exists() or target.read_text(encoding="utf-8") != below:
        target.write_text(below, encoding="utf-8")


def in_full(text: str) -> str:
    """Give each command in the list a link and a whole sentence, and mark options in the text as code."""
    first = dict(re.findall(rf"^## `{PROGRAM} (\w+)`\n\n(.+?)\n\n", text, flags=re.MULTILINE | re.DOTALL))
    listed = re.compile(r"^\* `(\w+)`: .*$", flags=re.MULTILINE)
    text = listed.sub(
        lambda found: (
            f"* [`{found[1]}`](#{PROGRAM}-{found[1]}): {' '.join(first[found[1]].split())}"
            if found[1] in first
            else found[0]
        ),
        text,
    )
    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("`") else OPTION.sub(r"`\1`", part) for part in parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hooks."""
    app.connect("config-inited", drop_stale)
    app.connect("autodoc-process-docstring", essays, BEFORE_NAPOLEON)
    app.connect("doctree-read", full_names)
    app.connect("builder-inited", write_command_line)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
