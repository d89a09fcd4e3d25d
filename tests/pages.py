"""The pages that people write, taken apart: blocks of code, and commands in the text.

    README.md, CONTRIBUTING.md, CHANGELOG.md, BENCHMARKS.md, docs/**/*.md but what a build writes there
        ```python ... ```       a block of a language
        `pysnmalloc quiz`       a command in the text

A block in a block (a page of Sphinx that is shown) belongs to the outer one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WRITTEN_BY_BUILDS = ("docs/_", "docs/source/", "docs/tutorials/", "docs/reference/api/")
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<info>\S*)(?P<title>.*)$")
CODE_DIRECTIVE = re.compile(r"\{(code-block|code|sourcecode|code-cell)\}")
OPTION = re.compile(r":([\w-]+):\s*(.*)")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


class Block(NamedTuple):
    """A block of code.

    Attributes:
        page: as in ``docs/howto/class.md``.
        line: of its first line, from 1.
        language: behind the fence, or the directive's argument; in braces where a directive is not of code.
        text: without the fences, and without a directive's options.
        caption: a directive's ``:caption:``, or nothing.
    """

    page: str
    line: int
    language: str
    text: str
    caption: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """The pages that people write; tutorials are tested as notebooks."""
    found = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(WRITTEN_BY_BUILDS)]


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a page; those in a directive that is no code, as an admonition, are the page's too."""
    lines = path.read_text(encoding="utf-8").splitlines()
    page = path.relative_to(ROOT).as_posix()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at].strip())
        if opening and opening["info"] and not (opening["info"][0] == "{" and is_of_text(opening)):
            end = next(each for each in range(at + 1, len(lines)) if lines[each].strip() == opening["fence"])
            yield block(page, at + 2, opening, lines[at + 1 : end])
            at = end
        at += 1


def is_of_text(opening: re.Match[str]) -> bool:
    """Tell whether what is inside of a directive is text of the page."""
    return not CODE_DIRECTIVE.match(opening["info"]) and not opening["info"].startswith("{raw}")


def block(page: str, line: int, opening: re.Match[str], body: list[str]) -> Block:
    """A block, without options."""
    language, caption = opening["info"], ""
    if CODE_DIRECTIVE.match(language):
        language = opening["title"].strip()
        while body and (option := OPTION.fullmatch(body[0].strip())):
            caption = option[2] if option[1] == "caption" else caption
            body, line = body[1:], line + 1
    return Block(page, line, language, dedent("\n".join(body) + "\n"), caption)  # a list's blocks are indented


class Command(NamedTuple):
    """A line that is typed: simple commands, joined by ``&&``, and what is printed then."""

    block: Block
    line: str
    printed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.block.page}: {self.line}"

    def simple(self) -> list[list[str]]:
        """The simple commands, as words; where standard error goes to is left out."""
        lexer = shlex.shlex(self.line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        result: list[list[str]] = [[]]
        words = list(lexer)
        while words:
            word = words.pop(0)
            if word == "&&":
                result.append([])
            elif word == "2" and words[:1] == [">"]:
                del words[:2]
            else:
                assert not set(word) & set("|;<>&()"), f"{self}: {word} is no part of a simple command"
                result[-1].append(word)
        return result


def commands(shown: Block) -> Iterator[Command]:
    """The commands of a block ``console``: what stands behind ``$``."""
    line, printed = None, list[str]()
    for each in [*shown.text.splitlines(), "$ "]:
        if each.startswith("$ "):
            if line is not None:
                yield Command(shown, line, tuple(printed))
            line, printed = each[2:], []
        elif each.strip():
            assert line is not None, f"{shown}: printed by no command: {each}"
            printed.append(each.strip())


def inline_commands(text: str, program: str) -> list[str]:
    """The commands in a page's text: what stands between backticks and begins with the program's name and a space."""
    return [found for found in INLINE.findall(text) if found.startswith(f"{program} ")]
