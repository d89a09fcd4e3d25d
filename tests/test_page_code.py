"""The code on the pages runs: README, CONTRIBUTING, and all of docs/ that people write.

    ```python       runs, the blocks of a page one after the other, in an empty folder
    ```console      each command runs, or is in ``NOT_RUN`` with the reason; then its own parser reads it, if it has one
    ```none         a trace, which its reader reads
    `pysnmalloc …`  in the text, of tutorials too: the command line's own parser reads it

Any other language must be in ``NOT_CODE``, with the reason. What a command prints on its page, it prints.
"""

from __future__ import annotations

import ast
import linecache
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import pysnmalloc as sn
from pysnmalloc.cli import app
from pysnmalloc.replay import read_trace

from .pages import ROOT, Block, blocks, commands, inline_commands, pages

BLOCKS = [block for path in pages() for block in blocks(path)]
TYPED = [command for block in BLOCKS if block.language == "console" for command in commands(block)]
TRACES = [block for block in BLOCKS if block.language == "none"]

NOT_RUN = {  # the beginning of a command: why it does not run here
    "pip install": "it changes the environment that the tests run in; the continuous integration runs the README's",
    "python3.13t -m venv": "as below",
    "python3 -m venv": "as above",
    ". .venv/bin/activate": "it changes the shell that it is typed into",
    "free/bin/pip install": "as above",
    "jupyter notebook": "it serves until it is stopped",
    "jupyter nbconvert": "it wants the notebook of somebody who hands one in",
    "python -m http.server": "it serves until it is stopped",
    "pytest": "that is this very suite",
    "free/bin/pytest": "as above",
    "free/bin/pysnmalloc": "the same commands run here with the interpreter of this suite",
    "python -m tests.mutants": "it takes minutes, and has a step of the continuous integration of its own",
    "git": "it needs a network, or a clone of the C++",
    "uv": "it needs a network",
    "conda": "as above",
    ".ci/python3.13t": "it builds an interpreter, and has a step of the continuous integration of its own",
    ".ci/bench": "it measures in a Debian root, which takes half an hour and the rights of root",
    "nox": "it makes environments from a package index, and takes minutes",
    "PYTHONMALLOC=malloc valgrind": "as below",
    "valgrind": "a program that few machines have; what it prints is a block of docs/reference/traces.md",
}
OF_THE_PROJECT = ".venv/bin/"  # a program there is named so, or without the folder once .venv is active
SHORTER = {"pysnmalloc doctor": ["--seconds", "1"]}  # a command that can do the same in less time
FINDS = ("pysnmalloc explore queue-published", "pysnmalloc explore bug:", "--weaken ")  # what goes wrong, on purpose
NOT_CODE = {  # a language: why its blocks are no code
    "md": "the source of a page, shown",
    "{raw}": "HTML that the page consists of",
}
NEEDED = {  # a file that a command on a page is given: where it comes from
    "my_program.py": "import pysnmalloc as sn\nwith sn.Heap(sn.CLASSROOM) as heap:\n    heap.free(heap.malloc(100))\n",
    "amptjp-bal.rep": "short.rep",
    "ls.txt": "valgrind.txt",
    "mine.trace": "# threads 2\n" + "".join(f"m 0 {16 + n} {n}\n" for n in range(240)),
    "ring.py": "\n".join([b.text for b in BLOCKS if (b.page, b.language) == ("docs/howto/explore.md", "python")][:2]),
}
STANDS_FOR = {"FILE": "trace.txt", "TRACE": "redis-lazyfree", "SCRIPT.py": "my_program.py", "SCRIPT": "s.py", "N": "3"}


def trace_named(caption: str) -> str:
    """The trace that a page shows under this name."""
    return next(block.text for block in TRACES if block.caption == caption)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that commands of the pages are given."""
    for name, source in NEEDED.items():
        (tmp_path / name).write_text(source if "\n" in source else trace_named(source), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Python.


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
@pytest.mark.usefixtures("folder")
def test_python_runs(path: Path) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(path):
        if block.language == "python":
            source = "\n" * (block.line - 1) + block.text  # an error names the page's line
            file = f"<{block.page}>"
            # The explorer tells of source lines.
            linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
            exec(compile(source, file, "exec"), names)
    for name, value in names.items():
        assert not isinstance(value, sn.Heap) or value.closed, f"{name} is left open"


# What is typed.


def why_not_run(words: list[str]) -> str | None:
    """The reason why a command is not run, if there is one."""
    typed = " ".join(words).removeprefix(OF_THE_PROJECT)
    return next((why for start, why in NOT_RUN.items() if typed == start or typed.startswith(f"{start} ")), None)


def in_this_python(words: list[str]) -> list[str]:
    """The command, run by this Python."""
    program, *rest = words
    program = program.removeprefix(OF_THE_PROJECT)
    if program == "pysnmalloc":
        return [sys.executable, "-m", "pysnmalloc", *rest]
    assert re.fullmatch(r"python[\d.]*t?", program), f"what is {program}? Run it, or say in NOT_RUN why not"
    return [sys.executable, *rest]


def read_by_its_parser(words: list[str]) -> None:
    """Have the parser of a program that does not run here read the command, where there is one at hand."""
    words = [words[0].removeprefix(OF_THE_PROJECT), *words[1:]]
    if "pip" in words[:3]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for wanted in re.findall(r"\[([\w,]+)\]", " ".join(words)):
            assert set(wanted.split(",")) <= set(project["optional-dependencies"]), f"{words}: no such extra"
        parse([sys.executable, "-m", "pip", *words[words.index("pip") + 1 :], "--help"])
    elif words[0] == "nox":
        assert words == ["nox", "--list"] or (words[:2] == ["nox", "-s"] and words[2] in sessions()), words
    elif words[0] == "pytest":
        parse([sys.executable, "-m", "pytest", *words[1:], "--version"])
    elif words[:3] == ["python3", "-m", "venv"]:
        parse([sys.executable, *words[1:], "--help"])


def parse(command: list[str]) -> None:
    """Run a command whose last option keeps it from doing anything."""
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=300)


def sessions() -> set[str]:
    """The names of nox's sessions."""
    found = set()
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            given = re.search(r"name='([\w-]+)'", ast.unparse(node.decorator_list[0]))
            found.add(given[1] if given else node.name)
    return found


def run(words: list[str], folder: Path) -> str:
    """Run a command; return what it prints."""
    ended = subprocess.run(
        in_this_python(words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    finds = any(word in " ".join(words) for word in FINDS)
    assert ended.returncode == int(finds), f"{words}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.mark.parametrize("line", sorted({command.line for command in TYPED}))
def test_what_is_typed_runs(line: str, folder: Path) -> None:
    shown = [command for command in TYPED if command.line == line]
    printed = ""
    for words in shown[0].simple():
        if why_not_run(words):
            read_by_its_parser(words)
        else:
            printed += run([*words, *SHORTER.get(" ".join(words), [])], folder)
    assert [each for command in shown for each in command.printed if each not in printed] == []


def test_what_is_not_run_is_on_a_page() -> None:
    """An exclusion that nothing needs is taken out."""
    typed = [words for command in TYPED for words in command.simple()]
    assert [start for start in NOT_RUN if not any(" ".join(words).startswith(start) for words in typed)] == []
    assert set(NOT_CODE) <= {block.language for block in BLOCKS}


def test_every_block_is_of_a_language_that_is_tested() -> None:
    known = {"python", "console", "none", *NOT_CODE}
    assert [f"{block}: {block.language}" for block in BLOCKS if block.language not in known] == []


def test_there_are_blocks() -> None:
    """Were they not found, they would all pass."""
    found = {block.page for block in BLOCKS if block.language == "python"}
    assert {"README.md", "docs/index.md", "docs/howto/explore.md", "docs/exploring.md", "docs/seeing.md"} <= found
    assert {"README.md", "CONTRIBUTING.md", "docs/howto/trace.md"} <= {command.block.page for command in TYPED}
    assert len(TYPED) >= 15


# Traces, and commands in the text.


@pytest.mark.parametrize("block", TRACES, ids=str)
def test_traces_are_read(block: Block, tmp_path: Path) -> None:
    assert block.caption, f"{block}: a trace has a caption, its file's name"
    path = tmp_path / block.caption
    path.write_text(block.text, encoding="utf-8")
    assert len(read_trace(path).ops) >= 2


def spoken_of() -> list[str]:
    """The commands that stand in the text of pages and tutorials, and in the map."""
    texts = [path.read_text(encoding="utf-8") for path in [*pages(), *(ROOT / "tutorials").glob("*.md")]]
    found = {command for text in texts for command in inline_commands(text, "pysnmalloc")}
    table = (ROOT / "docs" / "map.toml").read_text(encoding="utf-8")
    return sorted(found | set(re.findall(r'"(pysnmalloc [^"]+)"', table)))


@pytest.mark.parametrize("command", spoken_of())
@pytest.mark.usefixtures("folder")
def test_commands_in_the_text_are_commands(command: str) -> None:
    words = [STANDS_FOR.get(word, word) for word in command.split()[1:]]
    group = typer.main.get_command(app)
    context = group.make_context("pysnmalloc", list(words))
    name, found, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]  # it is a group
    assert found is not None
    if rest or name not in ("show", "step", "figure"):  # those want arguments, and are named without
        found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sessions_of_nox_are_there(path: Path) -> None:
    named = re.findall(r"nox -s ([\w-]+)", path.read_text(encoding="utf-8"))
    assert [name for name in named if name not in sessions()] == []


def test_contributing_lists_every_session() -> None:
    listed = re.findall(r"^\| `nox -s ([\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(listed) == sessions()


def test_a_command_that_is_none_is_found() -> None:
    assert shutil.which("pysnmalloc-none") is None
    shown = Block("x.md", 1, "console", "$ pip install a && pysnmalloc-none\nsome words\n", "")
    (command,) = commands(shown)
    assert command.printed == ("some words",)
    assert command.simple() == [["pip", "install", "a"], ["pysnmalloc-none"]]
    with pytest.raises(AssertionError, match="what is pysnmalloc-none"):
        in_this_python(["pysnmalloc-none"])
