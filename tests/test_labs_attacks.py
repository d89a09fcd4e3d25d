"""Files that attack their check: the verdict stands, the check ends, and nothing of the attack stays.

A student's file runs in a process of its own, so it can do there what it likes. What it answers is judged like any
other answer. Each attack here would be right if the check trusted anything but the answers, or would keep the
check from ending.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from pysnmalloc.labs.checking import check
from pysnmalloc.labs.process.asking import MARK
from pysnmalloc.labs.process.limits import Limits
from pysnmalloc.labs.process.wire import DEEPEST, Foreign, Unreadable, pack, unpack
from pysnmalloc.lesson.verdict import State

QUICK: Final = Limits(seconds=3.0, processor=3, memory=2 << 30)
"""Limits for attacks that wait."""

PATCHES = {
    "the judges' call": "import pysnmalloc.lesson.judging as j\nj.call = lambda *a, **k: iter(())",
    "the comparison": "import pysnmalloc.lesson.values as v\nv.same = lambda *a: True",
    "the judge": "import pysnmalloc.labs.judges.lab1 as l\nl._sizes = lambda *a: iter(())",
    "the table of judges": "import pysnmalloc.labs.judges.judging as j\nj.JUDGES.clear()",
    "the verdict": "import pysnmalloc.lesson.verdict as v\nv.Verdict.right = True",
    "the check": "import pysnmalloc.labs.checking as c\nc.check = None",
    "open": "import builtins\nbuiltins.open = None",
    "int": "import builtins\nbuiltins.int = float",
    "isinstance": "import builtins\nbuiltins.isinstance = lambda *a: True",
    "json": "import json\njson.dumps = lambda *a, **k: '{}'",
    "the worker": "import pysnmalloc.labs.process.worker as w\nw.Worker.answer = lambda *a: {'returned': 16}",
    "the running worker": "import sys\nsys.modules['__main__'].pack = lambda *a: '{\"dict\":[[\"returned\",16]]}'",
    "the trace function": "import sys\nsys.settrace(None)\nsys.settrace = lambda *a: None",
    "the budget": "import pysnmalloc.lesson.running.budget as b\nb.limited = lambda f, *a: f(*a)",
    "time": "import time\ntime.monotonic = lambda: 0.0",
    "every module": "import sys\nfor name in list(sys.modules):\n    sys.modules[name] = None",
    "the import": "import builtins\nbuiltins.__import__ = None",
    "the exit": "import atexit, os\natexit.register(os._exit, 0)",
    "stdout": "import sys\nsys.stdout = sys.stderr = None",
    "the recursion limit": "import sys\nsys.setrecursionlimit(10**9)",
}
"""What a file may change. Its ``size_of`` is still wrong."""

FORGERIES = {
    "right for all": 'Right. {"returned": 16}',
    "the answer": '{\\"dict\\":[[\\"returned\\",16]]}',
    "many answers": '{\\"dict\\":[[\\"returned\\",16],[\\"args\\",[]]]}\\n" * 1000 + "',
}

ENDINGS = {
    "exit": "raise SystemExit(0)",
    "exit of the system": "import os\n    os._exit(0)",
    "kill": "import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)",
    "kill of the parent's group": "import os, signal\n    os.kill(0, signal.SIGTERM)",
    "segmentation fault": "import ctypes\n    ctypes.string_at(0)",
    "abort": "import os\n    os.abort()",
    "exec": "import os, sys\n    os.execv(sys.executable, [sys.executable, '-c', 'pass'])",
    "closed pipes": "import os\n    os.closerange(0, 64)",
    "no return": "import threading\n    threading.Event().wait()",
    "sleep": "import time\n    time.sleep(1000)",
    "sigstop": "import os, signal\n    os.kill(os.getpid(), signal.SIGSTOP)",
    "endless loop": "while True: pass",
    "endless loop in C": "import itertools\n    list(itertools.count())",
    "endless output": "while True: print('x' * 1000)",
    "endless errors": "import sys\n    while True: sys.stderr.write('x' * 1000)",
    "endless answer": "import os\n    while True:\n        for each in range(3, 10):\n            try:\n"
    "                os.write(each, b'x' * 1000)\n            except OSError:\n                pass",
    "a deep recursion": "return size_of(sizeclass)",
    "a deep recursion without limit": "import sys\n    sys.setrecursionlimit(10**9)\n    return size_of(sizeclass)",
    "a deep list": "x = []\n    for _ in range(50_000): x = [x]\n    return x",
    "a list in itself": "x = []\n    x.append(x)\n    return x",
    "a long list": "return [0] * 10**7",
    "a long number": "return 10**100_000",
    "a long text": "return 'x' * 10**8",
    "much memory": "return bytearray(10**11)",
    "a million objects": "return [object() for _ in range(10**6)]",
    "a thread left behind": "import threading\n    threading.Thread(target=lambda: exec('while True: pass')).start()",
    "not a number": "return float('nan')",
    "infinity": "return float('inf')",
    "true": "return True",
    "equal to all": "return type('All', (), {'__eq__': lambda *a: True, '__hash__': None})()",
    "an int of its own": "return type('All', (int,), {'__eq__': lambda *a: True, '__hash__': None})(5)",
    "a text that cannot be encoded": "return '\\udc80'",
    "a key that cannot be hashed": "return {(): [1]}",
    "an exception that cannot be printed": "raise type('E', (Exception,), {'__str__': lambda s: 1 // 0})",
    "an exception of the check": "from pysnmalloc.lesson.judging import Open\n    raise Open",
    "the stop of a generator": "raise StopIteration",
    "an exit of a generator": "raise GeneratorExit",
    "an interrupt": "raise KeyboardInterrupt",
}


def check_source(source: str, folder: Path) -> str:
    """Check a file of the milestone “sizes”; the verdict must be that it is wrong. Return its words."""
    file = folder / "sizes.py"
    file.write_text(source, encoding="utf-8")
    verdict = check(file, "sizes", limits=QUICK)
    assert verdict.state is State.WRONG, verdict
    return verdict.words


@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_a_patch_changes_nothing(patch: str, tmp_path: Path) -> None:
    words = check_source(f"{patch}\n\ndef size_of(sizeclass):\n    return 16\n", tmp_path)
    assert "size_of(" in words or "sizes.py" in words


@pytest.mark.parametrize("line", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("pipe", range(1, 8))
def test_forged_output_is_an_answer_at_most(line: str, pipe: int, tmp_path: Path) -> None:
    source = f'import os\n\ndef size_of(sizeclass):\n    try:\n        os.write({pipe}, ("{line}" + "\\n").encode())\n'
    check_source(f"{source}    except OSError:\n        pass\n    return 16\n", tmp_path)


@pytest.mark.parametrize("body", ENDINGS.values(), ids=ENDINGS)
def test_a_check_ends_and_refuses(body: str, tmp_path: Path) -> None:
    began = time.monotonic()
    words = check_source(f"def size_of(sizeclass):\n    {body}\n", tmp_path)
    assert words.startswith("`size_of(0)` ")
    assert len(words) < 2000
    assert time.monotonic() - began < 60


FORKS = {
    "fork": "import os, time\n    if os.fork() == 0:\n        time.sleep(1000)\n    return 0",
    "fork that answers": "import os\n    os.fork()\n    return 0",
    "daemon": "import os, time\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
    "            time.sleep(1000)\n        os._exit(0)\n    return 0",
    "subprocess": "import subprocess, sys\n    sleep = 'import time; time.sleep(1000)'\n"
    "    subprocess.Popen([sys.executable, '-c', sleep])\n    return 0",
    "session": "import subprocess, sys\n    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'], "
    "start_new_session=True)\n    return 0",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found by Linux's /proc")
@pytest.mark.parametrize("body", FORKS.values(), ids=FORKS)
def test_no_process_stays_behind(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: f"test {os.getpid()}")
    check_source(f"def size_of(sizeclass):\n    {body}\n", tmp_path)
    assert marked(f"{MARK}=test {os.getpid()}") == []


def marked(mark: str) -> list[str]:
    """The processes that carry the mark of a check."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in environment and state != "Z":
            found.append(folder.name)
    return found


def test_a_file_sees_neither_the_judges_environment_nor_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_SECRET", "top secret")
    told = check_source(
        "import os, sys\nraise ValueError(f'{os.environ.get(\"COURSE_SECRET\")} {sys.argv[1:]}')", tmp_path
    )
    assert "raises ValueError: None []" in told


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limits")
@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("open('large', 'wb').write(bytes(1 << 22))", "File too large"),
        ("[open('/dev/null') for _ in range(1000)]", "Too many open files"),
        ("bytearray(1 << 34)", "MemoryError"),
    ],
)
def test_files_and_memory_are_limited(deed: str, told: str, tmp_path: Path) -> None:
    words = check_source(
        f"import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nos.chdir({str(tmp_path)!r})\n{deed}",
        tmp_path,
    )
    assert told in words


def test_the_next_check_is_not_disturbed(tmp_path: Path) -> None:
    check_source("import os\nos.closerange(0, 100)\n", tmp_path)
    before = len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0
    for _ in range(3):
        check_source("def size_of(sizeclass):\n    import os\n    os._exit(1)\n", tmp_path)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


# The wire.


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        1 << 4000,
        1.5,
        "text",
        "\udc80",
        b"\x00\xff",
        [],
        [1, [2]],
        (),
        (1, (2,)),
        {1: "a", "b": [2]},
        ...,
    ],
)
def test_plain_values_go_over_the_wire(value: object) -> None:
    back = unpack(pack(value))
    assert back == value
    assert type(back) is type(value)


def test_other_values_go_as_the_names_of_their_types() -> None:
    for value, kind in ((object(), "an object"), (1 << 5000, "an int"), ({1}, "a set"), (pytest, "a module")):
        back = unpack(pack(value))
        assert isinstance(back, Foreign)
        assert repr(back) == kind
    deep: object = 1
    for _ in range(2 * DEEPEST):
        deep = [deep]
    assert "nested too deeply" in pack(deep)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "{",
            "nonsense",
            "[" * 100_000,
            '{"a": 1, "b": 2}',
            "{}",
            '{"tuple": 3}',
            '{"bytes": "0"}',
            '{"bytes": 3}',
        ),
        *(
            '{"dict": [1]}',
            '{"dict": [[[], 1]]}',
            '{"unknown": 1}',
            "9" * 5000,
            "x" * (5 << 20),
            b"\xff",
            '{"foreign": 3}',
        ),
    ],
)
def test_what_is_no_plain_value_is_refused(line: str | bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(line)
