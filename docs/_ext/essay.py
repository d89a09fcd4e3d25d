"""Parsing the prose of modules: essays, docstrings and comments, as paragraphs and pictures.

    text ──► blocks: paragraph | picture (indented) | points (* ...) | fields (Args, Raises ...)
         ──► docutils nodes, for annotated source;  reStructuredText, for autodoc

The prose is plain text with two marks: double or single backquotes for code, and stars for emphasis. Sections of the
paper, and names of the library in backquotes, become links. In a module's essay, a name in backquotes may also be that
of another module in its room, or in a room around that. Nothing else is read as markup, so no comment can break the
build.
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
    """Return the full name of a public object: ``pysnmalloc.heap.Heap.check`` for ``Heap.check``, or else None."""
    found: object = pysnmalloc
    for part in code.removesuffix("()").split("."):
        found = getattr(found, part, None)
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    return f"{module}.{name}" if module and name and module.startswith("pysnmalloc") else None


def reference(domain: str, kind: str, target: str, shown: nodes.Node) -> pending_xref:
    """Return a link for Sphinx to resolve later."""
    # The target is a full name, so a missing page for it deserves no warning, except in the domain ``std``.
    return pending_xref(
        "", shown, refdomain=domain, reftype=kind, reftarget=target, refexplicit=True, refwarn=domain == "std"
    )


def inline(text: str, module: str | None = None) -> Iterator[nodes.Node]:
    """Yield text, code, emphasis and links. In a module's essay, also yield links to its neighbours."""
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
    """Return the nodes of a docstring or of joined comments; ``module`` is the module whose essay it is."""
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
    """Return a text picture. It may be wider than its column and must then be scrollable by keyboard."""
    text = cleandoc("\n" + text)
    return nodes.literal_block(text, text, language="none", classes=["picture"])


def fields(lines: list[str]) -> list[nodes.Node]:
    """Return the names and meanings of arguments, errors or attributes."""
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
    """Yield the nodes of a name and its meaning."""
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
    """Return a line with its stars, bars, underscores and backslashes escaped, except in code."""
    parts = re.split(r"(``.+?``|`[^`]+`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", part) for part in parts)
