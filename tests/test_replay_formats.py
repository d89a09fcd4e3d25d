"""Reading traces: every format, and the error for every kind of malformed line."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from pysnmalloc.replay import SHIPPED, Kind, Op, Trace, TraceError, parse_trace, read_shipped, read_trace

DATA = Path(__file__).parent / "data"

PROGRAM = """\
# threads 2
m 0 100 7
c 1 24 8
f 1 7
m 0 0 7
"""

REFERENCE = """\
# allocators 57345 57346
m 1 1568203 0 0 100000
m 0 100 5 1 1f40
f 1 0
s 1 0 77 39 0:16,9216,65520,24
d 0 1 0 1 71
k 2 26
t 0 1 1 0
"""

REP = """\
20000
3
5
1
a 0 512
a 1 128
r 0 640
f 0
a 0 7
"""

# What valgrind 3.19 prints, shortened.
VALGRIND = """\
==14805== Memcheck, a memory error detector
--14805-- malloc(72704) = 0x4A40040
--14805-- realloc(0x4A40040,100) = 0x4A51C80
--14805-- calloc(3,24) = 0x4A82B00
hello -- from the program
--14805-- memalign(al 64, size 100) = 0x4A82C00
--14805-- malloc_usable_size(0x4A82C00) = 100
partial line --14805-- free(0x4A82C00)
--14805-- free(0x0)
--14805-- _Znwm(4) = 0x4D6DC80
--14805-- _ZdlPvm(0x4D6DC80)
--14805-- _ZnamSt11align_val_t(size 256, al 128) = 0x4D6DF80
--14805-- _ZdaPvSt11align_val_t(0x4D6DF80)
==14805== HEAP SUMMARY:
"""


def parse(text: str, name: str = "trace") -> Trace:
    return parse_trace(text.encode(), name)


def calls(trace: Trace) -> list[tuple[Kind, int, int, int]]:
    return [(op.kind, op.thread, op.object, op.size) for op in trace.ops]


def test_program_trace_numbers_objects_anew_and_reuses_no_number() -> None:
    trace = parse(PROGRAM)
    assert (trace.format, trace.threads, trace.objects) == ("program trace", 2, 3)
    assert trace.ops == (
        Op(Kind.MALLOC, 0, 0, 100, 2),
        Op(Kind.CALLOC, 1, 1, 24, 3),
        Op(Kind.FREE, 1, 0, 100, 4),
        Op(Kind.MALLOC, 0, 2, 0, 5),
    )
    assert trace.left_live() == {1: 24, 2: 0}


def test_reference_trace_keeps_numbers_and_places_and_skips_the_final_state() -> None:
    trace = parse(REFERENCE, "some/where/1mib-x.trace")
    assert trace.numbers == trace.allocator_numbers == (57345, 57346)
    assert trace.places == ((0, 0x100000), (1, 0x1F40))
    assert calls(trace) == [(Kind.MALLOC, 1, 0, 1568203), (Kind.MALLOC, 0, 1, 100), (Kind.FREE, 1, 0, 1568203)]
    assert trace.config == "paper-1mib"
    assert parse(REFERENCE, "other").config is None


def test_malloc_lab_trace_means_a_new_object_by_an_id_after_its_free() -> None:
    trace = parse(REP)
    assert calls(trace) == [
        (Kind.MALLOC, 0, 0, 512),
        (Kind.MALLOC, 0, 1, 128),
        (Kind.REALLOC, 0, 0, 640),
        (Kind.FREE, 0, 0, 640),
        (Kind.MALLOC, 0, 2, 7),
    ]
    assert trace.ops[2].before == 512
    assert [op.line for op in trace.ops] == [5, 6, 7, 8, 9]


def test_reallocation_to_nothing_leaves_an_object() -> None:
    assert parse("0\n1\n2\n1\na 0 10\nr 0 0\n").ops[1].size == 1


def test_valgrind_trace_takes_calls_from_among_everything_else() -> None:
    trace = parse(VALGRIND)
    assert calls(trace) == [
        (Kind.MALLOC, 0, 0, 72704),
        (Kind.REALLOC, 0, 0, 100),
        (Kind.CALLOC, 0, 1, 72),
        (Kind.ALIGNED, 0, 2, 100),
        (Kind.FREE, 0, 2, 100),
        (Kind.MALLOC, 0, 3, 4),
        (Kind.FREE, 0, 3, 4),
        (Kind.ALIGNED, 0, 4, 256),
        (Kind.FREE, 0, 4, 256),
    ]
    assert [op.alignment for op in trace.ops if op.kind is Kind.ALIGNED] == [64, 128]
    assert not trace.notes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "--1-- realloc(0x0,12)malloc(12) = 0x40\n", [(Kind.MALLOC, 0, 0, 12)], id="realloc of null calls malloc"
        ),
        pytest.param("--1-- realloc(0x0,12) = 0x40\n", [(Kind.MALLOC, 0, 0, 12)], id="realloc of null by itself"),
        pytest.param(
            "--1-- malloc(5) = 0x40\n--1-- realloc(0x40,0)free(0x40)\n--1--  = 0\n",
            [(Kind.MALLOC, 0, 0, 5), (Kind.FREE, 0, 0, 5)],
            id="realloc to nothing calls free, and its result follows a line later",
        ),
        pytest.param(
            "--1-- malloc(5) = 0x40\n--1-- realloc(0x40,0) = 0x50\n--1-- free(0x50)\n",
            [(Kind.MALLOC, 0, 0, 5), (Kind.REALLOC, 0, 0, 1), (Kind.FREE, 0, 0, 1)],
            id="realloc to nothing returns an object",
        ),
        pytest.param(
            "--1-- malloc(5) = 0x40\n--1-- realloc(0x1234,10)Invalid free() / delete\n==1==    at 0x4\n--1--  = 0x0\n",
            [(Kind.MALLOC, 0, 0, 5)],
            id="a warning before a null result",
        ),
        pytest.param(
            "--1-- calloc(18446744073709551615,2)malloc(18446744073709551615)Argument 'size' is fishy\n"
            "--1--  = 0x0\n--1-- malloc(1) = 0x40\n",
            [(Kind.MALLOC, 0, 0, 1)],
            id="calloc that overflows prints no result",
        ),
        pytest.param(
            "--1-- malloc(7)free(0x0)\n--1--  = 0x40\n", [(Kind.MALLOC, 0, 0, 7)], id="another thread in between"
        ),
        pytest.param("--1-- memalign(al 3, size 10) = 0x40\n", [(Kind.ALIGNED, 0, 0, 10)], id="odd alignment"),
        pytest.param("--00:00:00:00.429 1-- malloc(9) = 0x40\n", [(Kind.MALLOC, 0, 0, 9)], id="time stamps"),
        pytest.param("--1-- malloc(9) = 0x40\n--1-- malloc(3)\n", [(Kind.MALLOC, 0, 0, 9)], id="killed in a call"),
        pytest.param("--1-- malloc(9) = 0x40\n--1-- REDIR: 0x40 (libc:free)\n", [(Kind.MALLOC, 0, 0, 9)], id="-v"),
    ],
)
def test_valgrind_peculiarities(text: str, expected: list[tuple[Kind, int, int, int]]) -> None:
    assert calls(parse(text)) == expected


def test_valgrind_trace_is_of_one_process_and_says_so() -> None:
    trace = parse("--1-- malloc(9) = 0x40\n--2-- free(0x40)\n--2-- free(0x40)\n")
    assert calls(trace) == [(Kind.MALLOC, 0, 0, 9)]
    assert "1 other process" in trace.notes[0]


def test_gzip_is_told_from_contents(tmp_path: Path) -> None:
    packed = tmp_path / "no-suffix"
    packed.write_bytes(gzip.compress(PROGRAM.encode()))
    assert read_trace(packed).ops == parse(PROGRAM).ops


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PROGRAM.encode())))
    trace = read_trace("-")
    assert trace.ops == parse(PROGRAM).ops
    assert trace.name == "standard input"


@pytest.mark.parametrize(
    ("name", "threads", "count", "objects"),
    [
        ("pbzip2", 6, 806, 406),
        ("git-log", 1, 32_409, 16_900),
        ("python-json", 1, 60_000, 38_976),
    ],
)
def test_shipped_traces_are_whole(name: str, threads: int, count: int, objects: int) -> None:
    assert name in SHIPPED
    trace = read_shipped(name)
    assert (trace.threads, len(trace.ops), trace.objects) == (threads, count, objects)


def test_reference_files_are_read_whole() -> None:
    trace = read_trace(DATA / "16mib-two-hundred-hops.trace.gz")
    assert (trace.threads, len(trace.ops), len(trace.places), trace.config) == (200, 60_000, 31_500, "paper")


MALFORMED = [
    # text, line, what was expected, what was found
    ("# threads 0\n", 1, "N at least 1", "“# threads 0”"),
    ("# threads\n", 1, "“# threads N”", "“# threads”"),
    ("# threads two\n", 1, "“# threads N”", "“# threads two”"),
    ("# threads 1\nm 0 10\n", 2, "“m THREAD SIZE OBJECT”", "“m 0 10”"),
    ("# threads 1\n\nc 0 x 1\n", 3, "“c THREAD SIZE OBJECT”", "“c 0 x 1”"),
    ("# threads 1\nm 0 -4 1\n", 2, "“m THREAD SIZE OBJECT”", "“m 0 -4 1”"),
    ("# threads 1\nf 0\n", 2, "“f THREAD OBJECT”", "“f 0”"),
    ("# threads 1\nr 0 4 4\n", 2, "starts with m, c or f", "“r 0 4 4”"),
    ("# threads 2\nm 2 10 0\n", 2, "a thread from 0 to 1", "2"),
    ("# threads 1\nm 0 10 0\nf 1 0\n", 3, "a thread from 0 to 0", "1"),
    ("# threads 1\nm 0 10 0\nm 0 4 0\n", 3, "not live; line 2 allocated it", "object 0 again"),
    ("# threads 1\nf 0 3\n", 2, "a live object", "object 3, which is not allocated"),
    ("# threads 1\nm 0 1 3\nf 0 3\nf 0 3\n", 4, "a live object", "object 3, which is not allocated"),
    ("# allocators\n", 1, "“# allocators N1 N2 ...”", "“# allocators”"),
    ("# allocators 5 5\n", 1, "different numbers", "“# allocators 5 5”"),
    ("# allocators 0\n", 1, "each at least 1", "“# allocators 0”"),
    ("# allocators 5\nm 0 10 0 0\n", 2, "“m ALLOCATOR SIZE OBJECT CHUNK OFFSET”", "“m 0 10 0 0”"),
    ("# allocators 5\nm 0 10 0 0 xyz\n", 2, "a hexadecimal offset", "“m 0 10 0 0 xyz”"),
    ("# allocators 5\nm 1 10 0 0 10\n", 2, "an allocator from 0 to 0", "1"),
    ("# allocators 5\nf 0 1\n", 2, "a live object", "object 1"),
    ("# allocators 5\nx\n", 2, "starts with m, f, s, d, k or t", "“x”"),
    ("100\n1\n", 3, "the number of operations", "the end of the file"),
    ("100\n-1\n0\n1\n", 2, "the number of ids", "“-1”"),
    ("100\n1\n1 2\n1\n", 3, "the number of operations", "“1 2”"),
    ("100\n1\n1\n1\na 0\n", 5, "“a ID SIZE”", "“a 0”"),
    ("100\n1\n1\n1\na 1 8\n", 5, "an id below 1", "“a 1 8”"),
    ("100\n2\n2\n1\na 0 8\nr 1 8\n", 6, "a live object", "object 1, which is not allocated"),
    ("100\n1\n1\n1\nf 0\n", 5, "a live object", "object 0"),
    ("100\n1\n1\n1\nm 0 8\n", 5, "starts with a, r or f", "“m 0 8”"),
    ("100\n1\n7\n1\na 0 8\n", 3, "the number of operations in the file, 1", "7"),
    ("--1-- malloc(8) = 0x4A5Bxyz\n", 1, "a traced call such as", "malloc(8) = 0x4A5Bxyz"),
    ("--1-- malloc(8\n--1-- malloc(8) = 0x40\n", 1, "a traced call such as", "malloc(8"),
    ("--1-- malloc() = 0x40\n", 1, "one size: “malloc(8)”", "“malloc()”"),
    ("--1-- malloc(-1) = 0x40\n", 1, "one size", "“malloc(-1)”"),
    ("--1-- calloc(8) = 0x40\n", 1, "two sizes", "“calloc(8)”"),
    ("--1-- realloc(0x40) = 0x40\n", 1, "an address and a size", "“realloc(0x40)”"),
    ("--1-- memalign(64) = 0x40\n", 1, "an alignment and a size", "“memalign(64)”"),
    ("--1-- free(here)\n", 1, "one address", "“free(here)”"),
    ("--1-- freeze(0x40)\n", 1, "a traced call: malloc, calloc", "“freeze(0x40)”"),
    ("--1-- malloc(8) = 0x40\n--1--  = 0x50\n", 2, "a result after its call", "0x50"),
    ("--1-- malloc(8)\n--1-- free(0x0)\n", 1, "a call with its result", "no result before the end"),
    ("--1-- malloc(8) = 0x40\n--1-- malloc(8) = 0x40\n", 2, "line 1 allocated it", "object 0x40 again"),
    ("--1-- free(0x40)\n", 1, "a live object", "object 0x40, which is not allocated"),
    ("--1-- malloc(8) = 0x40\n--1-- realloc(0x50,9) = 0x60\n", 2, "a live object", "object 0x50"),
    ("--1-- free(0x0) and more\n", 1, "a traced call such as", "free(0x0) and more"),
    ("\n\nwhat is this?\n", 3, "“# threads N”", "“what is this?”"),
    ("", 0, "“# threads N”", "an empty file"),
]


@pytest.mark.parametrize(("text", "line", "expected", "found"), MALFORMED)
def test_malformed_line_is_named_with_what_was_expected(text: str, line: int, expected: str, found: str) -> None:
    with pytest.raises(TraceError) as caught:
        parse(text, "dir/file.trace")
    error = caught.value
    assert (error.file, error.line) == ("dir/file.trace", line)
    assert expected in error.expected
    assert found in error.found
    place = f"dir/file.trace, line {line}: expected " if line else "dir/file.trace: expected "
    assert str(error).startswith(place)


def test_long_lines_are_shortened_in_messages() -> None:
    with pytest.raises(TraceError) as caught:
        parse("x" * 10_000)
    assert len(str(caught.value)) < 400
    assert "…" in str(caught.value)


def test_damaged_gzip() -> None:
    with pytest.raises(TraceError, match="file: expected a complete gzip file; found a damaged file"):
        parse_trace(gzip.compress(PROGRAM.encode())[:-9], "file")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="expected a readable file; found No such file"):
        read_trace(tmp_path / "nothing")


def test_unknown_shipped_trace() -> None:
    with pytest.raises(TraceError, match="expected a shipped trace: redis-lazyfree, pbzip2"):
        read_shipped("nginx")
