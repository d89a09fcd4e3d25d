"""Converting MyST to the plain Markdown that Jupyter, VS Code and JupyterLite show.

    ```{admonition} Title      **Title**  and its text
    ```{dropdown} Title        <details><summary>Title</summary> ... </details>
    {py:class}`~a.b.C`         `C`;   {doc}`text </page>`   text

The notebook keeps every word of the page, but leaves out what only the site can show, such as a table of contents.
"""

from __future__ import annotations

import re

__all__ = ["plain"]

OPENING = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)$")
OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$")
ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
LABEL = re.compile(r"^\([\w-]+\)=$")
NAMED = {"note", "tip", "hint", "warning", "important", "seealso"}
LEFT_OUT = {"toctree", "bibliography", "figure-of-the-paper"}


def plain(text: str) -> str:
    """Return a Markdown cell without MyST markup."""
    return "\n".join(_lines(text.splitlines())).strip()


def _lines(lines: list[str]) -> list[str]:
    """Return the lines with all directives resolved, including nested ones."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if opening := OPENING.match(line):
            end = _end(lines, at + 1, opening["fence"])
            result += _directive(opening["name"], opening["title"], lines[at + 1 : end])
            at = end
        elif re.match(r"^(`{3,}|~{3,})", line):
            end = _end(lines, at + 1, re.match(r"^(`{3,}|~{3,})", line)[0])  # type: ignore[index]  # it matched
            result += lines[at : end + 1]
            at = end
        elif not LABEL.match(line):
            result.append(ROLE.sub(_role, line))
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


def _directive(name: str, title: str, body: list[str]) -> list[str]:
    """Return a directive's title and contents as plain lines."""
    while body and OPTION.match(body[0]):
        body = body[1:]
    if name in LEFT_OUT:
        return []
    if name in ("code-block", "code"):
        return [f"```{title}", *body, "```"]
    inside = _lines(body)
    heading = _heading(name, ROLE.sub(_role, title))
    if name == "dropdown":
        # Empty lines make Markdown work inside HTML.
        return ["", f"<details><summary><b>{heading}</b></summary>", "", *inside, "", "</details>", ""]
    return ["", f"**{heading}**", "", *inside, ""] if heading else inside


def _heading(name: str, title: str) -> str:
    """Return the heading of a directive's contents."""
    if name in NAMED:
        return f"{name.capitalize()}: {title}" if title else name.capitalize()
    return title


def _role(match: re.Match[str]) -> str:
    """Return a role's text. Code remains code."""
    text = match["text"]
    if titled := re.fullmatch(r"(.+?)\s*<[^>]+>", text):
        return titled[1]
    if match["role"].startswith("py:"):
        return f"`{text.rsplit('.', 1)[-1] if text.startswith('~') else text}`"
    return f"[{text}]" if match["role"].startswith("cite") else text
