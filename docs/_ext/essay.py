"""Reading the prose of our modules: essays, docstrings and comments, as paragraphs and pictures.

    text ──► blocks: paragraph | picture (indented) | points (* ...) | fields (Args, Raises ...)
         ──► docutils nodes, for annotated source;  reStructuredText, for autodoc

The prose is plain text with two marks: double or single backquotes for code, stars for stress. Sections of the paper
and names of the library in backquotes become links. In the essay of a module, a name in backquotes may also be that of
another module of its room. Nothing else is read as markup, so no comment can break the build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc

from docutils import nodes
from rooms import CONCEPTS, page_named
from sphinx.addnodes import pending_xref

import pysnmalloc

__all__ = ["Block", "blocks", "inline", "prose", "restructured"]

MARKS = re.compile(r"(``.+?``|`[^`]+`|(?<!\w)\*[^*\s][^*]*\*|§[1-4](?:\.\d)?)")
FIELDS = re.compile(r"(Args|Raises|Attributes|Returns|Yields):$")
FIELD = re.compile(r"\s+([\w*, ]+?):\s+(.*)")


@dataclass(frozen=True)
class Block:
    """A piece of prose: its kind (paragraph, picture, points, fields), and its lines or points."""

    kind: str
    lines: list[str]


def blocks(text: str) -> Iterator[Block]:
    """Yield the pieces of a docstring or of joined comments."""
    for part in re.split(r"\n(?:[ \t]*\n)+", cleandoc(text)):
        lines = part.splitlines()
        if lines and FIELDS.match(lines[0]):
            yield Block("fields", lines)
        elif lines and all(line.startswith("  ") for line in lines):
            yield Block("picture", lines)
        elif lines and lines[0].startswith("* "):
            yield Block("points", re.split(r"\n\* ", part.removeprefix("* ")))
        elif lines:
            yield Block("paragraph", lines)


def joined(found: Iterator[Block]) -> list[Block]:
    """Join pictures that only an empty line separates."""
    result: list[Block] = []
    for block in found:
        if result and block.kind == result[-1].kind == "picture":
            result[-1] = Block("picture", [*result[-1].lines, "", *block.lines])
        else:
            result.append(block)
    return result


def target_of(code: str) -> str | None:
    """The full name of something of ours: ``Heap.check`` is ``pysnmalloc.heap.Heap.check``."""
    found: object = pysnmalloc
    for part in code.removesuffix("()").split("."):
        found = getattr(found, part, None)
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    return f"{module}.{name}" if module and name and module.startswith("pysnmalloc") else None


def reference(domain: str, kind: str, target: str, shown: nodes.Node) -> pending_xref:
    """A link to be resolved later."""
    # The target is written in full, so no warning is wanted where a page of it does not exist.
    return pending_xref(
        "", shown, refdomain=domain, reftype=kind, reftarget=target, refexplicit=True, refwarn=domain == "std"
    )


def inline(text: str, module: str | None = None) -> Iterator[nodes.Node]:
    """Yield text, code, stress and links; in the essay of a module, also links to its neighbours."""
    for piece in MARKS.split(text):
        if piece.startswith("`"):
            code = piece.strip("`")
            shown = nodes.literal("", code, classes=["code"])
            page = page_named(code, module) if module else code if code in CONCEPTS else None
            if page:
                yield reference("std", "doc", f"/source/{page}", shown)
            elif target := target_of(code):
                yield reference("py", "obj", target, shown)
            else:
                yield shown
        elif piece.startswith("§"):
            label = "paper-" + piece[1:].replace(".", "-")
            yield reference("std", "ref", label, nodes.inline("", piece))
        elif piece.startswith("*") and piece.endswith("*") and len(piece) > 2:
            yield nodes.emphasis("", piece[1:-1])
        elif piece:
            yield nodes.Text(piece)


def prose(text: str, module: str | None = None) -> list[nodes.Node]:
    """Return the nodes of a docstring or of joined comments; ``module`` is the one whose essay this is."""
    result: list[nodes.Node] = []
    for block in joined(blocks(text)):
        match block.kind:
            case "picture":
                result.append(picture("\n".join(block.lines)))
            case "fields":
                result += fields(block.lines)
            case "points":
                points = [nodes.list_item("", nodes.paragraph("", "", *inline(each, module))) for each in block.lines]
                result.append(nodes.bullet_list("", *points))
            case _:
                result.append(nodes.paragraph("", "", *inline("\n".join(block.lines), module)))
    return result


def picture(text: str) -> nodes.literal_block:
    """A picture in text. It can be wider than its column, so it can be scrolled to by keys."""
    text = cleandoc("\n" + text)
    return nodes.literal_block(text, text, language="none", classes=["picture"])


def fields(lines: list[str]) -> list[nodes.Node]:
    """Arguments, errors: a name and its meaning each."""
    found: list[tuple[str, str]] = []
    for line in lines[1:]:
        match = FIELD.match(line)
        deeper = len(line) - len(line.lstrip()) > 4 and found
        if match and not deeper:
            found.append((match[1], match[2]))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            found.append(("", line.strip()))
    items = [
        nodes.list_item("", nodes.paragraph("", "", *_field(name, meaning)), classes=["field"])
        for name, meaning in found
    ]
    return [nodes.paragraph("", lines[0], classes=["fields"]), nodes.bullet_list("", *items)]


def _field(name: str, meaning: str) -> Iterator[nodes.Node]:
    """A name and its meaning."""
    if name:
        yield nodes.literal("", name, classes=["code"])
        yield nodes.Text(": ")
    yield from inline(meaning)


def restructured(text: str) -> list[str]:
    """Return an essay as lines of reStructuredText, in which a picture is a literal block."""
    lines: list[str] = []
    for block in joined(blocks(text)):
        if block.kind == "picture":
            lines += [".. code-block:: none", "   :class: picture", "", *("   " + line for line in block.lines), ""]
        elif block.kind == "points":
            lines += ["* " + escaped(" ".join(point.split())) for point in block.lines] + [""]
        else:
            lines += [escaped(line) for line in block.lines] + [""]
    return lines


def escaped(line: str) -> str:
    """A line with stars and bars of the text itself out of the markup's way."""
    parts = re.split(r"(``.+?``|`[^`]+`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", part) for part in parts)
