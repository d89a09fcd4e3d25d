"""The reference's own hooks: our docstrings as napoleon reads them, and the command line's own help.

Modules open with an essay and a picture in text, which autodoc would read as markup. Of an attribute's docstring,
napoleon takes what is before a colon for its type: ``log2 of a slab. At most 16: ...``. And a field has one name: ``u8,
u16: views``.
"""

from __future__ import annotations

import builtins
import importlib
import re
import subprocess
import sys
from pathlib import Path

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
    """Hand napoleon what it reads as it is meant."""
    if what == "module" and lines:
        lines[:] = restructured("\n".join(lines))
    elif what in ("attribute", "data", "property") and lines:
        # A line that ends with the colon is no type.
        lines[:1] = lines[0].replace(": ", ":\n").splitlines()
    else:
        lines[:] = [SEVERAL.sub(lambda found: f"{found[1]}{found[2].replace(', ', '/')}: ", line) for line in lines]


def full_names(_app: Sphinx, doctree: nodes.document) -> None:
    """Write the types of a module in full: two may each have a class ``Event``. What is not public has no link."""
    for link in list(doctree.findall(pending_xref)):
        module, name = link.get("py:module"), link.get("reftarget", "")
        if link.get("refdomain") != "py" or not module or not module.startswith(PROGRAM):
            continue
        if hasattr(builtins, name):
            for key in ("refspecific", "py:module", "py:class"):
                link.attributes.pop(key, None)  # else it is a field of that name, such as an event's ``object``
            continue
        found = getattr(importlib.import_module(module), name, None) if name.isidentifier() else named(name)
        if isinstance(found, type) and found.__module__.startswith(PROGRAM):
            if found.__name__ in importlib.import_module(found.__module__).__all__:
                link["reftarget"] = f"{found.__module__}.{found.__qualname__}"
            else:
                link.replace_self(link.children)


def named(name: str) -> object:
    """What has a full name of ours."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last, None) if module.startswith(PROGRAM) else None


def drop_stale(app: Sphinx, _config: object) -> None:
    """Delete the generated pages if one of their modules is gone: autosummary deletes none, and it reads old lists."""
    pages = list((Path(app.srcdir) / "reference" / "api").glob(f"{PROGRAM}*.rst"))
    if not all(is_module(page.stem) for page in pages):
        for page in pages:
            page.unlink()


def is_module(name: str) -> bool:
    """Tell whether a module or room with this full name exists."""
    path = ROOT.joinpath(*name.split("."))
    return (path / "__init__.py").exists() or path.with_suffix(".py").exists()


def write_command_line(app: Sphinx) -> None:
    """Let typer write the page of the command line, from the commands' own help."""
    target = Path(app.srcdir) / "_generated" / "cli.md"
    target.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "typer", f"{PROGRAM}.cli", "utils", "docs", "--name", PROGRAM]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # The page has a title of its own.
    below = in_full(text.partition("\n")[2])
    if not target.exists() or target.read_text(encoding="utf-8") != below:
        target.write_text(below, encoding="utf-8")


def in_full(text: str) -> str:
    """Write the list of commands with whole sentences and links, and options in the text as code, dashes and all."""
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
