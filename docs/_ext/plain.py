"""Converting MyST to the plain Markdown that Jupyter, VS Code and JupyterLite show.

    ```{admonition} Title      **Title**  and its text
    ```{dropdown} Title        <details><summary>Title</summary> ... </details>
    {py:class}`~a.b.C`         [`C`](address);   {doc}`text </page>`   [text](address)

The notebook keeps every word and link of the page, but leaves out what only the site can show, such as a table of
contents. The caller says where a role leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["Link", "plain"]

Link = Callable[[str, str], tuple[str, str]]
"""A function from a role and its target to the address that it leads to and the words that the site shows there."""

OPENING = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)$")
OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$")
ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
LABEL = re.compile(r"^\([\w-]+\)=$")
NAMED = {"note", "tip", "hint", "warning", "important", "seealso"}
LEFT_OUT = {"toctree", "bibliography", "figure-of-the-paper"}


def plain(text: str, link: Link) -> str:
    """Return a Markdown cell without MyST markup, whose links lead where ``link`` says."""
    return "\n".join(_lines(text.splitlines(), link)).strip()


def _lines(lines: list[str], link: Link) -> list[str]:
    """Return the lines with all directives resolved, including nested ones."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if opening := OPENING.match(line):
            end = _end(lines, at + 1, opening["fence"])
            result += _directive(opening["name"], opening["title"], lines[at + 1 : end], link)
            at = end
        elif re.match(r"^(`{3,}|~{3,})", line):
            end = _end(lines, at + 1, re.match(r"^(`{3,}|~{3,})", line)[0])  # type: ignore[index]  # it matched
            result += lines[at : end + 1]
            at = end
        elif not LABEL.match(line):
            result.append(ROLE.sub(lambda role: _linked(role, link), line))
        at += 1
    return result


def _end(lines: list[str], start: int, fence: str) -> int:
    """Return the index of the line that closes a fence.

    Raises:
        ValueError: if no line closes it.
    """
    for at in range(start, len(lines)):
        if lines[at].strip() == fence:
            return at
    raise ValueError(f"no line closes the block that starts with {fence!r}: {lines[start - 1]!r}")


def _directive(name: str, title: str, body: list[str], link: Link) -> list[str]:
    """Return a directive's title and contents as plain lines."""
    while body and OPTION.match(body[0]):
        body = body[1:]
    if name in LEFT_OUT:
        return []
    if name in ("code-block", "code"):
        return [f"```{title}", *body, "```"]
    inside = _lines(body, link)
    heading = _heading(name, ROLE.sub(_words, title))
    if name == "dropdown":
        # Empty lines make Markdown work inside HTML.
        return ["", f"<details><summary><b>{heading}</b></summary>", "", *inside, "", "</details>", ""]
    return ["", f"**{heading}**", "", *inside, ""] if heading else inside


def _heading(name: str, title: str) -> str:
    """Return the heading of a directive's contents."""
    if name in NAMED:
        return f"{name.capitalize()}: {title}" if title else name.capitalize()
    return title


def _words(role: re.Match[str]) -> str:
    """Return a role's text. Code remains code."""
    text, target = _parts(role)
    if text != target or not role["role"].startswith("py:"):
        return text
    return f"`{text.rsplit('.', 1)[-1] if text.startswith('~') else text}`"


def _linked(role: re.Match[str], link: Link) -> str:
    """Return a role as a link."""
    address, words = link(role["role"], _parts(role)[1])
    if role["role"].startswith("cite"):
        return f"([{words.strip('[]')}]({address}))"
    return f"[{_words(role)}]({address})"


def _parts(role: re.Match[str]) -> tuple[str, str]:
    """Return a role's text and target, which are the same unless the role has a title."""
    titled = re.fullmatch(r"(.+?)\s*<([^>]+)>", role["text"])
    return (titled[1], titled[2]) if titled else (role["text"], role["text"])
