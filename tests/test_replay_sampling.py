"""Objects that do not fit in the machine's memory: what is written of them, and what that finds."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.replay import ContentsError, Order, ReplayError, parse_trace, replay, sampling
from pysnmalloc.replay.contents import Contents
from pysnmalloc.replay.sampling import EVERYTHING, LEAST, PAGE, Sampling, sampling_for

MIB = 1 << 20
HUGE = f"# threads 2\nm 0 {800 * MIB} 0\nc 1 {600 * MIB} 1\nm 0 100 2\nf 0 0\nf 0 2\n".encode()
GROWING = f"0\n1\n4\n1\na 0 {300 * MIB}\nr 0 {700 * MIB}\nr 0 500\nf 0\n".encode()


@pytest.mark.parametrize("most", [LEAST, LEAST + PAGE, MIB])
@pytest.mark.parametrize(
    "size", [0, 1, PAGE, LEAST - 1, LEAST, LEAST + 1, 5 * PAGE + 7, MIB - 1, MIB, MIB + 1, 77 * MIB + 5]
)
def test_what_is_written_begins_and_ends_with_the_object_and_is_bounded(most: int, size: int) -> None:
    runs = list(Sampling(most).runs(size))
    assert runs == list(Sampling(most).runs(size))
    if size <= most:
        assert runs == ([(0, size)] if size else [])
        return
    assert runs[0][0] == 0
    assert runs[-1] == (size - PAGE, size)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(runs))
    assert all(end - start == PAGE for start, end in runs)
    assert sum(end - start for start, end in runs) <= most
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(runs)]
    assert max(gaps) <= 2 * size // (most // PAGE - 1)


def test_everything_is_written_if_it_fits() -> None:
    trace = parse_trace(HUGE, "huge")
    assert sampling_for(trace, 1400 * MIB + 100) == EVERYTHING
    assert sampling_for(trace, 1400 * MIB + 99) != EVERYTHING
    # The first reallocation holds both objects at once.
    growing = parse_trace(GROWING, "growing")
    assert sampling_for(growing, 1000 * MIB) == EVERYTHING
    assert sampling_for(growing, 1000 * MIB - 1) != EVERYTHING


@pytest.mark.parametrize("memory", [0, 100_000, MIB, 10 * MIB, 200 * MIB])
def test_what_is_written_fits_in_memory(memory: int) -> None:
    most = sampling_for(parse_trace(HUGE, "huge"), memory).most
    assert most is not None
    assert most == LEAST or 2 * most + 100 <= memory
    assert most >= LEAST


@pytest.mark.parametrize("data", [HUGE, GROWING], ids=["huge", "growing"])
@pytest.mark.parametrize("threads", ["recorded", "real"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_replay_of_huge_objects_takes_little_memory_and_says_so(data: bytes, threads: Order, verify: bool) -> None:
    result = replay(parse_trace(data, "huge"), threads=threads, verify=verify, memory=16 * MIB)
    assert result.peaks.requested >= 700 * MIB
    assert result.peaks.resident is None or result.peaks.resident < 32 * MIB
    (note,) = result.notes
    assert note.startswith("2 allocations of more than ")
    assert ("the first page, the last page, and up to" in note) is verify
    assert "16,777,216 bytes of memory" in note
    assert replay(parse_trace(b"# threads 1\nm 0 10000 0\n", "small")).notes == ()


@pytest.mark.parametrize("data", [HUGE, GROWING], ids=["huge", "growing"])
def test_sampling_changes_no_address(data: bytes) -> None:
    trace = parse_trace(data, "huge")
    sampled, whole = (replay(trace, memory=memory, verify=False) for memory in (16 * MIB, 1 << 40))
    assert sampled.chunks == whole.chunks
    assert sampled.statistics == whole.statistics


@pytest.mark.parametrize("at", [0, PAGE - 1, -1, -PAGE], ids=["first", "end of first page", "last", "last page"])
def test_a_changed_byte_in_a_written_page_is_found(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    size = 100 * MIB
    fill = Contents.fill

    def spoiling(self: Contents, thing: int, address: int, filled: int) -> None:
        fill(self, thing, address, filled)
        if filled == size:
            self._memory[address + at % size] ^= 1

    monkeypatch.setattr(Contents, "fill", spoiling)
    trace = parse_trace(f"# threads 1\nm 0 {size} 0\nf 0 0\n".encode(), "huge")
    with pytest.raises(ContentsError, match=f"byte {at % size} is"):
        replay(trace, memory=MIB)


def test_a_page_between_is_written_and_verified() -> None:
    memory = memoryview(bytearray(MIB))
    contents = Contents(memory, Sampling(LEAST))
    contents.fill(7, 0, MIB)
    assert contents.verify(7, 0, MIB) is None
    written = [start for start in range(0, MIB, PAGE) if any(memory[start : start + PAGE])]
    assert len(written) == LEAST // PAGE
    whole = Contents(memoryview(bytearray(MIB)))
    whole.fill(7, 0, MIB)
    for start in written:
        assert memory[start : start + PAGE] == whole._memory[start : start + PAGE]
        memory[start + 5] ^= 1
        wrong = contents.verify(7, 0, MIB)
        assert wrong is not None
        assert wrong[0] == start + 5
        memory[start + 5] ^= 1


def test_memory_that_is_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    info, limit = tmp_path / "meminfo", tmp_path / "max"
    monkeypatch.setattr(sampling, "MEMINFO", info)
    monkeypatch.setattr(sampling, "GROUPS", (limit, tmp_path / "none"))
    info.write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n", encoding="ascii")
    assert sampling.available() == 4000 * 1024 // 2
    limit.write_text("max\n", encoding="ascii")
    assert sampling.available() == 4000 * 1024 // 2
    limit.write_text("1000000\n", encoding="ascii")
    assert sampling.available() == 500_000
    info.unlink()
    limit.unlink()
    monkeypatch.delattr("os.sysconf", raising=False)
    assert sampling.available() == sampling.UNKNOWN // 2


@pytest.mark.parametrize("possible", [0, 1, 3])
def test_a_system_without_more_threads_is_an_error_and_leaves_none_running(
    monkeypatch: pytest.MonkeyPatch, possible: int
) -> None:
    before = threading.active_count()
    start, started = threading.Thread.start, list[threading.Thread]()

    def limited(self: threading.Thread) -> None:
        if len(started) >= possible:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    trace = parse_trace(b"# threads 5\nm 0 8 0\nf 1 0\n", "many")
    with pytest.raises(ReplayError, match=f"many: the system started {possible} of 5 threads .*recorded order"):
        replay(trace, threads="real")
    assert threading.active_count() == before


def test_an_odd_reserve_is_rounded_down() -> None:
    trace = parse_trace(b"# threads 1\nm 0 8 0\n", "small")
    assert replay(trace, config=sn.CLASSROOM, reserve=(1 << 22) + 4095).left_live == 1
