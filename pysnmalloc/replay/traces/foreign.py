"""Files of other recorders, recognized by their contents, and the way from them to a trace.

    @ ./prog:[0x1190] + 0x5558 0x64        mtrace
    malloc(100)          = 0x5558          ltrace
    {"dhatFileVersion":2, ...              DHAT
    heap_v2/524288                         jemalloc

Such files are not replayed. Some lack the calls (they count bytes by place in the program),
and the others lack what a replay relies on, such as the allocations before the recording
began. The law: the error names the recorder and the command that records a usable trace.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Foreign", "recognize"]

HEAD = 100_000  # characters that are searched
RECORD = "valgrind --trace-malloc=yes PROGRAM 2> FILE"
AGAIN = f"Record the program with “{RECORD}”"
COUNTS = f"It counts bytes by place in the program and has no single calls. {AGAIN}."
CALLS = f"{AGAIN}, or turn each call into a line of a program trace (“# threads N”; “m THREAD SIZE OBJECT”)."
UNPACK = "Unpack it first; only gzip is unpacked here."


class Foreign(NamedTuple):
    """A file that is not a trace.

    Attributes:
        what: what it is.
        advice: how to get a trace.
    """

    what: str
    advice: str


PACKED = {
    b"\x28\xb5\x2f\xfd": Foreign("a file packed with zstd (heaptrack packs so)", f"{UNPACK} {AGAIN}."),
    b"\xfd7zXZ\x00": Foreign("a file packed with xz", UNPACK),
    b"BZh": Foreign("a file packed with bzip2", UNPACK),
    b"PK\x03\x04": Foreign("a zip archive", UNPACK),
    b"\x7fELF": Foreign("a program, not a recording of one", f"{AGAIN}."),
    b"PERFILE2": Foreign("a recording of perf", COUNTS),
}
TEXTS = (
    (re.compile(r'\A\s*\{\s*"dhatFileVersion"'), Foreign("a profile of DHAT", COUNTS)),
    (
        re.compile(r"\A\s*heap_v[0-9]+/|\A\s*heap profile: "),
        Foreign("a heap profile of jemalloc or gperftools", COUNTS),
    ),
    (re.compile(r"\Adesc: .*\ncmd: "), Foreign("a profile of massif", COUNTS)),
    (re.compile(r"\Av [0-9a-f]+ [0-9a-f]+\n"), Foreign("a recording of heaptrack", f"{AGAIN}.")),
    (re.compile(r"(?m)^= Start\b|^@ \S+ [-+<>] 0x[0-9a-f]+"), Foreign("a recording of mtrace", CALLS)),
    (re.compile(r"\A\s*<\?xml"), Foreign("a file of XML", f"{AGAIN}, without --xml=yes.")),
    (
        re.compile(r"\A\s*\{.*pysnmalloc"),
        Foreign("a recording of pysnmalloc step", "Look at it with “pysnmalloc show FILE --at TICK”; name it .jsonl."),
    ),
    (re.compile(r"(?m)^==(?:[0-9:.]+ )?[0-9]+== "), Foreign("output of valgrind without calls", f"{AGAIN}.")),
    (
        re.compile(r"(?m)^(?:\[pid +[0-9]+\] |[0-9.:]+ )*(?:[\w./+-]+->)?(?:malloc|calloc|realloc|free)\(.*\) += "),
        Foreign("a recording of ltrace", CALLS),
    ),
    (
        re.compile(r"(?m)^(?:\[pid +[0-9]+\] |[0-9.:]+ )*(?:brk|mmap|execve)\(.*\) += "),
        Foreign("a recording of strace", CALLS),
    ),
)


def recognize(data: bytes, text: str) -> Foreign | None:
    """Return what a file is, if another recorder or packer wrote it.

    Args:
        data: its first bytes.
        text: the same, decoded.
    """
    packed = next((foreign for magic, foreign in PACKED.items() if data.startswith(magic)), None)
    head = text[:HEAD]
    return packed or next((foreign for pattern, foreign in TEXTS if pattern.search(head)), None)
