"""Address space is limited, as by `ulimit -v`: heaps take less by default, and an error says what the limit refused.

    default reserve     refused: about half of what the system grants, at least what the configuration needs
    reserve=            refused: an error that names the bytes, the likely limits and what to do

The limits are real ones, set by a Python of its own; where a system has none, what the
platform asks for is played in this process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pysnmalloc as sn
from pysnmalloc.cli import app
from pysnmalloc.memory import Layout, default_reserve_for, least_reserve_for
from pysnmalloc.platform import AddressSpace
from pysnmalloc.step import Replica

MIB, GIB = 1 << 20, 1 << 30
ULIMIT = 2_000_000 << 10  # `ulimit -v 2000000`
ROOT = Path(__file__).parent.parent
LIMITED = r"""
import sys, threading
import resource
import pysnmalloc as sn
from pysnmalloc.memory import least_reserve_for

def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))

def beyond(size):
    "Let the process take some more bytes than it has now."
    limit(int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + size)

def work(heap):
    with heap:
        objects = [heap.malloc(size) for size in (1, 100, heap.config.slab_size, heap.config.chunk_size // 2)]
        for p in objects:
            heap.view(p)[:] = b"x" * heap.usable_size(p)
        heap.check()
        for p in objects:
            heap.free(p)
        sys.stdout.write(f"{heap.statistics().reserved}\n")  # in one piece, from several threads

config = sn.PRESETS[sys.argv[1]]
"""

limited = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_AS")
each_preset = pytest.mark.parametrize("name", sn.PRESETS)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of its own."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)


def run(name: str, program: str) -> list[str]:
    """Run a program with a preset in a Python of its own that can limit itself, and return its lines."""
    pytest.importorskip("resource")
    done = python("-c", LIMITED + program, name)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# By default.


@limited
@each_preset
def test_a_heap_takes_what_the_limit_leaves(name: str) -> None:
    (reserved,) = map(int, run(name, f"limit({ULIMIT}); work(sn.Heap(config))"))
    default = default_reserve_for(sn.PRESETS[name])
    assert 256 * MIB < reserved <= min(default, 1.1 * GIB)
    assert (reserved == default) == (default < GIB)


@limited
@each_preset
def test_it_leaves_room_for_other_heaps_and_for_threads(name: str) -> None:
    """A heap that took all would be the last thing that the program could do."""
    program = """
heaps = [sn.Heap(config) for _ in range(2)]
threads = [threading.Thread(target=work, args=(heap,)) for heap in heaps]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""
    reserved = run(name, f"limit({ULIMIT})" + program)
    assert len(reserved) == 2


@limited
@each_preset
def test_where_there_is_hardly_any_it_takes_the_least(name: str) -> None:
    least = least_reserve_for(sn.PRESETS[name])
    room = least + 8 * MIB if least > 32 * MIB else 3 * MIB  # Python needs some, too
    (reserved,) = map(int, run(name, f"beyond({room}); heap = sn.Heap(config); print(heap.memory.space.size)"))
    assert least <= reserved <= max(least, 2 * room // 3)


@limited
def test_where_not_even_the_least_is_left_the_error_says_so() -> None:
    program = """
beyond(100 << 20)
try:
    sn.Heap(config)
except sn.SpaceRefused as error:
    print(error.asked == error.least == least_reserve_for(config), error.__cause__, error.__context__ is None)
    print(error)
work(sn.Heap(sn.CLASSROOM))
"""
    facts, message, reserved = run("paper", program)
    assert facts == "True None True"
    assert message == (
        "the operating system refused 167,772,160 bytes of address space, probably because of a limit of the process "
        "(ulimit -v, RLIMIT_AS) or of its container; this configuration needs them all, so raise the limit or choose "
        "a smaller one, such as CLASSROOM (§2.9)"
    )
    assert 16 * MIB < int(reserved) < 100 * MIB


# With a reserve.


@limited
@each_preset
def test_a_reserve_that_is_refused(name: str) -> None:
    """It is not made smaller silently: who names a size counts on it."""
    program = f"""
limit({ULIMIT})
try:
    sn.Heap(config, reserve=8 << 30)
except sn.HeapExhausted as error:
    print(type(error).__name__, error.asked, error.reserved, error.in_use, error.least, error.__context__)
    print(error)
work(sn.Heap(config, reserve=512 << 20))
"""
    facts, message, reserved = run(name, program)
    least = least_reserve_for(sn.PRESETS[name])
    assert facts == f"SpaceRefused {8 * GIB} 0 0 {least} None"
    assert message == (
        "the operating system refused 8,589,934,592 bytes of address space, probably because of a limit of the process "
        f"(ulimit -v, RLIMIT_AS) or of its container; pass a smaller reserve= (this configuration needs at least "
        f"{least:,}), or raise the limit (§2.9)"
    )
    assert int(reserved) == 512 * MIB


def test_a_reserve_that_is_too_small_is_the_callers_mistake_whatever_the_system_grants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = play(monkeypatch, grants=0)
    with pytest.raises(sn.ConfigError, match="reserve at least 147,456"):
        sn.Heap(sn.CLASSROOM, reserve=100_000)
    with pytest.raises(sn.ConfigError, match="1,048,577 bytes are not whole words; reserve a multiple of 8"):
        sn.Heap(sn.CLASSROOM, reserve=MIB + 1)
    assert not asked


@pytest.mark.parametrize(
    "config",
    [
        *sn.PRESETS.values(),
        sn.PAPER.replace(number_bits=1),
        sn.CLASSROOM.replace(slab_count_bits=1, number_bits=21),  # the page map has more bytes than a chunk
    ],
    ids=str,
)
def test_the_least_reserve_is_the_least(config: sn.Config) -> None:
    least = least_reserve_for(config)
    layout = Layout.of(config, least)
    assert (layout.end, layout.end - layout.first_chunk) == (least, config.chunk_size)
    with pytest.raises(sn.ConfigError, match=f"reserve at least {least:,}"):
        Layout.of(config, least - 8)


# The platform, played.


def play(patch: pytest.MonkeyPatch, grants: int) -> list[int]:
    """Let the system grant so many bytes at most, as plain ones, and return what it is asked for."""
    asked: list[int] = []

    def answer(size: int) -> bytearray:
        asked.append(size)
        if size > grants:
            raise MemoryError
        return bytearray(size)

    patch.setattr("pysnmalloc.platform._asked", answer)
    return asked


@pytest.mark.parametrize(
    ("grants", "asked", "takes"), [(5, [48, 24, 12, 6, 3], 2), (6, [48, 24, 12, 6], 4), (8, [48, 24, 12, 6], 4)]
)
def test_it_halves_and_leaves_room(monkeypatch: pytest.MonkeyPatch, grants: int, asked: list[int], takes: int) -> None:
    """It tries half as much again, so that this much stays free; the first try is made twice, for the collector."""
    tries = play(monkeypatch, grants * MIB)
    space = AddressSpace.up_to(64 * MIB, MIB)
    assert [size // MIB for size in tries] == [64, 64, *asked, takes]
    assert (space.size, len(space.buffer)) == (takes * MIB, takes * MIB)


def test_it_takes_all_where_all_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = play(monkeypatch, grants=64 * MIB)
    assert AddressSpace.up_to(64 * MIB, MIB).size == 64 * MIB
    assert asked == [64 * MIB]


def test_it_never_goes_below_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, grants=5 * MIB)
    assert AddressSpace.up_to(64 * MIB, 3 * MIB).size == 3 * MIB
    assert AddressSpace.up_to(64 * MIB, 5 * MIB).size == 5 * MIB
    with pytest.raises(sn.SpaceRefused) as refused:
        AddressSpace.up_to(64 * MIB, 6 * MIB)
    assert (refused.value.asked, refused.value.least) == (6 * MIB, 6 * MIB)


# The command line.


@limited
@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor", "--seconds", "0"),
        ("replay",),
        *(("replay", "--config", name, "--threads", "real") for name in sn.PRESETS),
    ],
    ids=" ".join,
)
def test_commands_work_within_the_limit(arguments: tuple[str, ...]) -> None:
    pytest.importorskip("resource")
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({ULIMIT}, {ULIMIT}))"
    done = python("-c", f"{limits}; from pysnmalloc.cli import main; main()", *arguments)
    assert done.returncode == 0, done.stderr
    if arguments[0] == "doctor":
        assert "failed" not in done.stdout
        assert "since a limit refuses the default of 64.03 GiB" in " ".join(done.stdout.split())


@limited
def test_replay_says_in_a_sentence_what_was_refused() -> None:
    pytest.importorskip("resource")
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({ULIMIT}, {ULIMIT}))"
    done = python("-c", f"{limits}; from pysnmalloc.cli import main; main()", "replay", "--reserve", "8GiB")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: the operating system refused 8,589,934,592 bytes of address space")
    assert done.stderr.count("\n") == 1


def test_a_replica_that_is_refused_says_what_its_recording_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, reserve=MIB, record=recording) as heap:
        heap.malloc(1)
    play(monkeypatch, grants=0)
    with pytest.raises(
        sn.RecordingError, match=r"reserved 1,048,576 bytes .* raise the limit \(ulimit -v\)"
    ) as refused:
        Replica(recording)
    assert refused.value.__suppress_context__


def test_figure_says_in_a_sentence_what_was_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play(monkeypatch, grants=0)
    ran = CliRunner().invoke(app, ["figure", "1", "-o", str(tmp_path / "figure.html")])
    assert ran.exit_code == 1
    assert ran.stderr.startswith("Error: the operating system refused ")
    assert ran.stderr.count("\n") == 1
