"""Every parser of traces, with many thousands of broken files: each is read, or refused in one line.

``SNMALLOC_FUZZ`` is the number of inputs for each format, 2,000 by default. An input is made from a valid
file and a seed, which the assertion shows. Some of the traces that are read are replayed too.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable

import pytest
import typer

import pysnmalloc as sn
from pysnmalloc.cli.common import parse_bytes
from pysnmalloc.quiz import NotANumber, parse_answer
from pysnmalloc.replay import ReplayError, Trace, TraceError, parse_trace, replay
from tests.test_replay_formats import PROGRAM, REFERENCE, REP, VALGRIND

COUNT = int(os.environ.get("SNMALLOC_FUZZ", "2000"))
REPLAYED = 100  # one of so many inputs is replayed
LONGEST = 700  # characters of a message

SEPARATE = "--1-- malloc(41)--2-- malloc(32) = 0x40\n = 0x80\n--00:00:00:00.429 1-- free(0x80)\n--2-- free(0x40)\n"
FORMATS = {"program": PROGRAM, "reference": REFERENCE, "malloc-lab": REP, "valgrind": VALGRIND, "processes": SEPARATE}
ODD = [
    *("0", "1", "-1", "+1", "007", "1_0", "1e9", "1.5", "nan", "0x", "0x0", "0xg", "0b1", "x", "", " ", "\t", "\x00"),
    *("9" * 5000, "0" * 5000 + "1", "f" * 5000, "0x" + "f" * 5000, str(1 << 63), str(1 << 64), str((1 << 64) - 1)),
    *("\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "\u2028", "\x85", "\x0b", "\x1b[31m", "\r", "\ufeff", "—"),
    *("# threads 1", "# allocators 5", "# threads 99999999999", "--1-- ", "--1-- malloc(", " = 0x40", ")", "(", ","),
    *(
        "m",
        "c",
        "f",
        "a",
        "r",
        "s",
        "f -1",
        "f 0 7",
        "m 0 8 7",
        "realloc(0x0,12)malloc(12)",
        "calloc(",
        "--",
        "= Start",
    ),
]


def mutated(text: str, chance: random.Random) -> bytes:
    """Break a file in one to four ways."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(WAYS)(text, chance)
    data = text.encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig")), errors="surrogatepass")
    if chance.random() < 0.1:
        data = gzip.compress(data, mtime=0)
    if chance.random() < 0.2 and data:
        broken = bytearray(data)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        data = bytes(broken)
    return data


def _token(text: str, chance: random.Random) -> str:
    """Put an odd word in the place of a word."""
    words = text.split(" ")
    words[chance.randrange(len(words))] = chance.choice(ODD)
    return " ".join(words)


def _insertion(text: str, chance: random.Random) -> str:
    """Put an odd word between two characters."""
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(ODD) + text[at:]


def _deletion(text: str, chance: random.Random) -> str:
    """Leave out some characters."""
    at = chance.randint(0, len(text))
    return text[:at] + text[at + chance.randint(1, 12) :]


def _lines(text: str, chance: random.Random) -> str:
    """Leave out, double or move a line."""
    lines = text.split("\n")
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.randint(0, 2)):
        lines.insert(chance.randint(0, len(lines)), line)
    return "\n".join(lines)


def _end(text: str, chance: random.Random) -> str:
    """Cut the end off."""
    return text[: chance.randint(0, len(text))]


def _ends(text: str, chance: random.Random) -> str:
    """Change the ends of lines."""
    return text.replace("\n", chance.choice(("\r\n", "\r", "\n\n", " \n", "\x0b")))


WAYS: tuple[Callable[[str, random.Random], str], ...] = (_token, _insertion, _deletion, _lines, _end, _ends)


def refused(data: bytes) -> Trace | None:
    """Parse a file; a refusal must be one printable line of reasonable length."""
    try:
        return parse_trace(data, "file")
    except TraceError as error:
        message = str(error)
        assert message.startswith("file")
        assert message.isprintable()
        assert len(message) < LONGEST
        return None


@pytest.mark.parametrize("name", FORMATS)
def test_every_broken_file_is_read_or_refused_in_one_line(name: str) -> None:
    read = 0
    for seed in range(COUNT):
        data = mutated(FORMATS[name], random.Random(f"{name} {seed}"))
        try:
            trace = refused(data)
            if trace is not None:
                read += 1
                if read % REPLAYED == 1 and trace.threads < 100:
                    replay(trace, config=sn.CLASSROOM, reserve=1 << 22, memory=1 << 20)
        except (ReplayError, sn.ConfigError):
            pass  # the allocator or the configuration is too small for the broken numbers
        except Exception as error:
            raise AssertionError(f"{name} {seed}: {data[:300]!r} raised {type(error).__name__}") from error
    assert 0 < read < COUNT  # mutations of both kinds are made


def test_every_broken_recording_is_read_or_refused_in_one_line() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        allocator = heap.acquire()
        allocator.free(allocator.malloc(8))
    text = "\n".join(recording.lines())
    read = 0
    for seed in range(COUNT):
        chance = random.Random(f"recording {seed}")
        broken = text
        for _ in range(chance.randint(1, 3)):
            broken = chance.choice(WAYS)(broken, chance)
        message = outcome(lambda text: sn.Recording.parse(text.splitlines(), "file"), broken, sn.RecordingError)
        assert message is None or message.startswith("file"), seed
        read += message is None
    assert 0 < read < COUNT


def test_every_odd_number_on_the_command_line_is_read_or_refused() -> None:
    chance = random.Random("numbers")
    for _ in range(COUNT):
        text = "".join(chance.choice([*ODD, "7", "KiB", "G", "_", "0x"]) for _ in range(chance.randint(0, 3)))
        for message in (outcome(parse_answer, text, NotANumber), outcome(parse_bytes, text, typer.BadParameter)):
            assert message is None or len(message) < LONGEST


def outcome(parse: Callable[[str], object], text: str, refusal: type[Exception]) -> str | None:
    """Return the message of a refusal, or None; any other error is passed on."""
    try:
        parse(text)
    except refusal as error:
        return str(error)
    return None
