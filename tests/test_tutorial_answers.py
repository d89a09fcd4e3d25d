"""The tutorials: solutions are right, answers that are often wrong are told what the page says, stubs are open.

A cell is run as plain Python, one after the other, in an empty folder, without network, and without threads where the
page says that it needs none. The explorer names steps by their source lines, so a cell's source is left where Python
looks for it, as a kernel does.
"""

from __future__ import annotations

import ast
import linecache
import re
import socket
import threading
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from pysnmalloc.lesson import check
from pysnmalloc.lesson.done import record
from pysnmalloc.lesson.verdict import State

FOLDER = Path(__file__).parents[1] / "tutorials"
TUTORIALS = sorted(FOLDER.glob("[0-9][0-9]_*.md"))
each_tutorial = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)

CELL = re.compile(r"^```\{code-cell\} python\n(?P<tags>(?::[^\n]*\n)*)(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL)
SOLUTION = re.compile(
    r"^````\{dropdown\} Solution of (?P<number>[\d.]+)\n(?P<body>.*?)^````$", re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^```(?P<kind>python|text)\n(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r'^check\("(?P<number>[\d.]+)", (?P<name>\w+)\)$', re.MULTILINE)
THREADS = "\nthreads: true\n"
COLUMNS = 90  # that the page shows without a scroll bar
TERMS = (  # of the paper, as the paper spells them
    "ABA",
    "Treiber stack",
    "allocator",
    "bucket",
    "bump pointer",
    "bump-pointer free list",
    "chunk",
    "home bucket",
    "incarnation number",
    "large object",
    "medium slab",
    "message",
    "message queue",
    "metadata",
    "page map",
    "remote deallocation",
    "short slab",
    "size class",
    "slab",
    "stub",
    "superslab",
    "temporal radix tree",
    "thread-caching allocator",
)


class Wrong(NamedTuple):
    """An answer that is often seen, and what the page says that the check says."""

    source: str
    told: str


class Exercise(NamedTuple):
    """An exercise as its page has it."""

    number: str
    name: str
    stub: str
    right: str
    wrong: tuple[Wrong, ...]


def exercises(text: str) -> list[Exercise]:
    """The exercises of a tutorial, in order."""
    stubs = [cell["source"] for cell in CELL.finditer(text) if "answer" in cell["tags"]]
    solutions = {found["number"]: list(BLOCK.finditer(found["body"])) for found in SOLUTION.finditer(text)}
    checks = list(CHECK.finditer(text))
    assert len(stubs) == len(checks) == len(solutions)
    found = []
    for each, stub in zip(checks, stubs, strict=True):
        right, *blocks = solutions[each["number"]]
        kinds = [block["kind"] for block in blocks]
        assert kinds == ["python", "text"] * (len(blocks) // 2), f"{each['number']}: an answer without its verdict"
        sources = [block["source"] for block in blocks]
        wrong = tuple(map(Wrong, sources[::2], sources[1::2]))
        found.append(Exercise(each["number"], each["name"], stub, right["source"], wrong))
    return found


def run(source: str, names: dict[str, object]) -> None:
    """Run a cell; what it ends in is asked for its HTML, as a notebook does."""
    file = f"<cell {hash(source):x}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    cell = ast.parse(source)
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, file, "exec"), names)
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), file, "eval"), names)
        if hasattr(shown, "_repr_html_"):
            shown._repr_html_()


def refuse(*_arguments: object, **_names: object) -> NoReturn:
    """Say what Python in a browser says of threads; it has no network of its own either."""
    raise RuntimeError("can't start new thread")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "FILE", Path(record.FILE.name))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def run_all(text: str) -> dict[str, object]:
    """Run a tutorial from top to bottom; return its names."""
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in CELL.finditer(text):
        run(cell["source"], names)
    return names


@each_tutorial
def test_answers_get_the_verdict_that_the_page_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = path.read_text(encoding="utf-8")
    if THREADS not in text:
        monkeypatch.setattr(threading.Thread, "start", refuse)
    names = run_all(text)
    assert list(tmp_path.iterdir()) == []
    for each in exercises(text):
        assert each.wrong, f"{each.number} shows no answer that is often wrong"
        told = set()
        wanted = (
            (each.stub, State.OPEN),
            (each.right, State.RIGHT),
            *((wrong.source, State.WRONG) for wrong in each.wrong),
        )
        for source, state in wanted:
            mine = dict(names)
            run(source, mine)
            verdict = check(each.number, mine[each.name])
            assert verdict.state is state, f"{source}\n{verdict}"
            told.add(verdict.words)
            page = [wrong.told.split() for wrong in each.wrong if wrong.source == source]
            first, *_ = str(verdict).splitlines()
            assert page in ([], [first.split()]), f"{source}\nThe page is to say below it:\n{first}"
        assert len(told) == len(wanted), f"{each.number}: two answers are told the same"
    assert list(record.recorded()) == [each.number for each in exercises(text)]
    assert [each.name for each in tmp_path.iterdir()] == [record.FILE.name]


def test_what_needs_threads_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    texts = [path.read_text(encoding="utf-8") for path in TUTORIALS]
    (text,) = [text for text in texts if THREADS in text]
    names = run_all(text)
    assert "real threads, recorded: " in capsys.readouterr().out
    for each in exercises(text):
        mine = dict(names)
        run(each.right, mine)
        verdict = check(each.number, mine[each.name])
        assert verdict.right or "this Python cannot start threads" in verdict.words


@each_tutorial
def test_a_page_has_all_its_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    top, _, rest = text.partition("```{code-cell}")
    for part in (
        "**The question:**",
        "**In the paper:**",
        "**You will be able to:**",
        "**Before this:**",
        "**Threads:",
    ):
        assert part in top
    assert re.search(r"\*\*Time:\*\* \d+\s+minutes", top)
    assert rest.count("predict(") >= 2
    assert re.search(r"^## A broken version", rest, re.MULTILINE)
    assert "with fails(" in rest or "explore(" in rest
    assert rest.index("## Exercises") < rest.index("## Further reading")
    found = exercises(text)
    assert 2 <= len(found) <= 4
    for each in found:
        start = text.index(f"Exercise {each.number}: ")
        hints = re.findall(
            r"^```\{dropdown\} Hint (\d): ", text[start : text.index(f"Solution of {each.number}")], re.MULTILINE
        )
        assert hints == [str(number + 1) for number in range(len(hints))]
        assert len(hints) >= 2, f"{each.number}: hints are graded, so there are two at least"


def test_every_term_of_the_paper_is_in_the_glossary_and_in_a_tutorial() -> None:
    glossary = (FOLDER.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = set(re.findall(r"^(?![: ])(\w.*)$", glossary, re.MULTILINE))
    linked = "".join(path.read_text(encoding="utf-8") for path in TUTORIALS)
    linked_terms = set(re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", linked.replace("\n", " ")))
    assert set(TERMS) - entries == set()
    assert set(TERMS) - linked_terms == set()
    assert {term for term in linked_terms if term not in {entry.lower() for entry in entries} | entries} == set()


def test_tutorials_are_text_without_output() -> None:
    assert len(TUTORIALS) == 12
    assert {path.suffix for path in FOLDER.iterdir() if path.is_file()} == {".md"}
    for path in TUTORIALS:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n")
        assert text.count("{code-cell}") == len(CELL.findall(text)), "a cell of another kind, or one inside a block"
        shown = [cell["source"] for cell in CELL.finditer(text) if "remove-input" not in cell["tags"]]
        lines = "".join([*shown, *(block["source"] for block in BLOCK.finditer(text))]).splitlines()
        assert [line for line in lines if len(line) > COLUMNS] == []
        assert not re.search(r"\{[\w:]+\}`[^`\n]*\n", text), "a role that does not end in its line stays in notebooks"
        assert not re.search(r"\{doc\}`/[^`]*`", text), "a notebook would show the path; give the link a title"
        assert not re.search(r"\{output|^:tags:.*raises-exception|execution_count", text, re.MULTILINE)
