"""Reading traces: every format, and the error for every kind of malformed line."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pysnmalloc as sn
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
    ("100\n1\n1\n1\nf 0\n", 5, "a live object", "object 0"),
    ("100\n1\n1\n1\nm 0 8\n", 5, "starts with a, r or f", "“m 0 8”"),
    ("100\n1\n7\n1\na 0 8\n", 3, "the number of operations in the file, 1", "7"),
    ("100\n1\n1\n1\nf -2\n", 5, "“f ID”", "“f -2”"),
    ("100\n1\n1\n1\nr -1 8\n", 5, "“r ID SIZE”", "“r -1 8”"),
    ("# threads 4097\n", 1, "at most 4,096", "“# threads 4097”"),
    ("# threads 99999999999999999999\n", 1, "numbers below 2**64", "99999999"),
    (f"# threads {'9' * 5000}\n", 1, "numbers below 2**64", "99999999"),
    ("# threads \N{ARABIC-INDIC DIGIT THREE}\n", 1, "“# threads N”", "“# threads"),
    (f"# allocators {' '.join(map(str, range(1, 5000)))}\n", 1, "different numbers", "“# allocators"),
    (f"# threads 1\nm 0 {'9' * 5000} 0\n", 2, "numbers below 2**64", "“m 0 999"),
    ("# threads 1\nm 0 18446744073709551616 0\n", 2, "numbers below 2**64", "“m 0 184"),
    ("# threads 1\nm 0 1_000 0\n", 2, "“m THREAD SIZE OBJECT”", "“m 0 1_000 0”"),
    ("# threads 1\nm 0 1e3 0\n", 2, "“m THREAD SIZE OBJECT”", "“m 0 1e3 0”"),
    ("# threads 1\nm 0 0x10 0\n", 2, "“m THREAD SIZE OBJECT”", "“m 0 0x10 0”"),
    (f"# allocators 5\nm 0 10 0 0 {'f' * 17}\n", 2, "numbers below 2**64", "“m 0 10 0 0 fff"),
    (f"1{'0' * 5000}\n1\n1\n1\na 0 8\n", 1, "numbers below 2**64", "“1000"),
    (f"--1-- malloc({'9' * 5000}) = 0x40\n", 1, "a number below 2**64", "“9999"),
    (f"--1-- malloc(8) = 0x{'f' * 5000}\n", 1, "a number below 2**64", "“0xfff"),
    ("--1-- malloc(\N{ARABIC-INDIC DIGIT THREE}) = 0x40\n", 1, "one size", "malloc("),
    ("--1-- malloc(8)--2-- malloc(9)--1-- malloc(3)\n = 0x40\n", 2, "the result of one process", "may be of several"),
    ("= Start\n@ ./a:[0x1190] + 0x55 0x64\n= End\n", 0, "a trace", "a recording of mtrace"),
    ("@ ./a:[0x1190] + 0x55 0x64\n@ ./a:[0x11] - 0x55\n", 0, "a trace", "a recording of mtrace"),
    ("__libc_start_main(0x5, 1)\nmalloc(100)     = 0x55\n", 0, "a trace", "a recording of ltrace"),
    ("[pid 77] a->free(0x55)   = <void>\n", 0, "a trace", "a recording of ltrace"),
    ('{"dhatFileVersion":2\n,"mode":"heap"\n', 0, "a trace", "a profile of DHAT"),
    ("heap_v2/524288\n  t*: 1: 2 [0: 0]\n", 0, "a trace", "a heap profile of jemalloc"),
    ("heap profile:   1:  100 [ 1: 100] @ heapprofile\n", 0, "a trace", "a heap profile of jemalloc"),
    ("v 10400 3\nX ./a\nI 1000 5e\n", 0, "a trace", "a recording of heaptrack"),
    ("desc: --massif\ncmd: ./a\ntime_unit: i\n", 0, "a trace", "a profile of massif"),
    ("==77== Memcheck, a memory error detector\n==77== \n", 0, "a trace", "output of valgrind without calls"),
    ('<?xml version="1.0"?>\n<valgrindoutput>\n', 0, "a trace", "a file of XML"),
    ("brk(NULL)         = 0x55\n", 0, "a trace", "a recording of strace"),
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


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"\x7fELF\x02", "a program"),
        (b"PERFILE2\x00", "perf"),
        (gzip.compress(b"= Start\n", mtime=0), "mtrace"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_text_is_named(data: bytes, what: str) -> None:
    with pytest.raises(TraceError) as caught:
        parse_trace(data, "file")
    assert what in caught.value.found
    assert caught.value.advice


def test_the_error_for_another_recorder_tells_how_to_record() -> None:
    with pytest.raises(TraceError, match=r"found a recording of mtrace. Record the program with “valgrind --trace-ma"):
        parse("= Start\n")


def test_a_recording_of_step_is_for_show() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        heap.acquire().malloc(8)
    with pytest.raises(TraceError, match=r"found a recording of pysnmalloc step. Look at it with “pysnmalloc show"):
        parse("\n".join(recording.lines()))


def test_messages_are_one_line_without_control_characters() -> None:
    for text in ("\x1b[31mred\x07\x00 x", "# threads 1\nm \x1b[2J 0\x0b0\n", "--1-- free(0x0) \x1b]0;x\x07\n"):
        with pytest.raises(TraceError) as caught:
            parse(text, "a\nb\x1b")
        assert str(caught.value).isprintable()
        assert r"a\nb\x1b" in str(caught.value)


# What editors, shells and systems make of a file.

TWISTED = {
    "CR LF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "byte-order mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 of PowerShell": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, big end first": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "gzip": lambda text: gzip.compress(codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode()),
}


@pytest.mark.parametrize("twist", TWISTED.values(), ids=TWISTED)
@pytest.mark.parametrize("text", [PROGRAM, REFERENCE, REP, VALGRIND], ids=["program", "reference", "rep", "valgrind"])
def test_a_file_means_the_same_whatever_wrote_its_lines(text: str, twist: Callable[[str], bytes]) -> None:
    assert parse_trace(twist(text), "trace") == parse(text)


@pytest.mark.parametrize("mark", ["--00:00:00:00.429 14805--", "--00:01:02:03.004 14805--"])
def test_time_stamps_change_nothing(mark: str) -> None:
    stamped = VALGRIND.replace("--14805--", mark).replace("==14805==", "==00:00:00:00.000 14805==")
    assert parse(stamped).ops == parse(VALGRIND).ops


@pytest.mark.parametrize("length", range(30, len(VALGRIND)))
def test_a_truncated_recording_is_replayed_up_to_its_last_whole_line(length: int) -> None:
    text = VALGRIND[:length]
    whole = text[: text.rfind("\n") + 1]
    if "malloc(" not in whole:
        return
    trace = parse(text)
    assert trace.ops == parse(whole).ops
    cut = text[len(whole) :]
    number = text.count("\n") + 1
    assert trace.notes == (() if not re.search("--14805-- ", cut) else trace.notes[:1])
    assert all(f"line {number} was skipped" in note for note in trace.notes)


def test_a_result_that_another_process_interrupted_finds_its_call() -> None:
    text = (
        "--1-- malloc(7) = 0x40\n"
        "--1-- malloc(41)--2-- malloc(32) = 0x40\n"
        "--2-- free(0x40)\n"
        " = 0x80\n"
        "--1-- free(0x80)\n"
        "--2-- malloc(5)--1-- free(0x40)\n"
        " = 0x80\n"
    )
    trace = parse(text)
    assert calls(trace) == [
        (Kind.MALLOC, 0, 0, 7),
        (Kind.MALLOC, 0, 1, 41),
        (Kind.FREE, 0, 1, 41),
        (Kind.FREE, 0, 0, 7),
    ]
    assert "1 other process" in trace.notes[0]


def test_an_error_in_the_output_of_several_processes_tells_how_to_separate_them() -> None:
    with pytest.raises(TraceError, match=r"Several processes wrote this file: record each process in its own file"):
        parse("--1-- malloc(7) = 0x40\n--2-- free(0x80)\n--1-- free(0x80)\n")


def test_malloc_lab_null() -> None:
    trace = parse("0\n2\n7\n1\nr 0 10\nf -1\nr 0 20\nf 0\nr 0 5\nr 1 0\nf 0\n")
    assert calls(trace) == [
        (Kind.MALLOC, 0, 0, 10),
        (Kind.REALLOC, 0, 0, 20),
        (Kind.FREE, 0, 0, 20),
        (Kind.MALLOC, 0, 1, 5),
        (Kind.MALLOC, 0, 2, 0),
        (Kind.FREE, 0, 1, 5),
    ]


def test_long_lines_are_shortened_in_messages() -> None:
    with pytest.raises(TraceError) as caught:
        parse("x" * 10_000)
    assert len(str(caught.value)) < 400
    assert "…" in str(caught.value)


def test_damaged_gzip() -> None:
    with pytest.raises(TraceError, match="file: expected a complete gzip file; found a damaged file"):
        parse_trace(gzip.compress(PROGRAM.encode())[:-9], "file")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(
        TraceError, match=r"expected a readable file, or a trace that ships: redis-lazyfree.*; found No such file"
    ):
        read_trace(tmp_path / "nothing")


def test_unknown_shipped_trace() -> None:
    with pytest.raises(TraceError, match="expected a shipped trace: redis-lazyfree, pbzip2"):
        read_shipped("nginx")
