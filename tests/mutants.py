"""The mutation check: break the core in one line, many times; the suite must turn red each time.

    python -m tests.mutants [--only WORD] [--jobs N]

Every mutant is one line of the package, replaced in a copy of package and tests. First the tests that should
notice run, in one process, up to the first failure. If they do not notice, the whole suite runs. A mutant that
survives that is a hole in the tests, and the exit status is 1. A mutant that makes a test run for ever counts as
noticed: the process is ended after a while that the named tests need many times over.

The tests named for a mutant must pass without it, or its death would say nothing: that is checked first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .explorer_mutants import EXPLORER_MUTANTS
from .mutant import Mutant

ROOT = Path(__file__).parents[1]
HANGS_AFTER = 120  # seconds, for the tests named; the whole suite gets as many times as it has files
NOTICED = {0: "survived", 1: "killed", 2: "killed (interrupted)", 3: "killed (internal error)"}

MUTANTS = (
    *EXPLORER_MUTANTS,
    Mutant(
        "the stub is not skipped",
        "allocator.py",
        "if message != self.queue.stub:",
        "if True:",
        "test_fastpath.py",
    ),
    Mutant(
        "the stub is not skipped on the fast path",
        "fastpath.py",
        "elif message != stub:",
        "else:",
        "test_reference.py",
    ),
    Mutant(
        "a size class too small at the boundary",
        "sizeclass.py",
        "last = max(size, 1) - 1",
        "last = max(size, 2) - 2",
        "test_config.py",
    ),
    Mutant(
        "forwarded messages are lost",
        "allocator.py",
        "self.cache.dealloc(target, message, self.table.sizes[sizeclass])",
        "pass",
        "test_figures.py",
    ),
    Mutant(
        "the last message's next is not set to null",
        "messagequeue.py",
        "atomics.store(last + NEXT, NULL, Order.RELAXED)",
        "pass",
        "test_queue.py",
    ),
    Mutant(
        "the list is linked behind itself",
        "messagequeue.py",
        "atomics.store(before + NEXT, first, Order.RELEASE)",
        "atomics.store(last + NEXT, first, Order.RELEASE)",
        "test_queue.py",
    ),
    Mutant(
        "the link comes before the exchange",
        "messagequeue.py",
        "        before = atomics.exchange(self._back, last, Order.ACQ_REL)\n",
        "        before = atomics.load(self._back, Order.RELAXED)\n"
        "        atomics.store(before + NEXT, first, Order.RELEASE)\n"
        "        atomics.exchange(self._back, last, Order.ACQ_REL)\n",
        "test_figures.py",
    ),
    Mutant(
        "front stays where it was",
        "messagequeue.py",
        "        self._u64[self._front] = batch.pop()\n",
        "        batch.pop()\n",
        "test_queue.py",
    ),
    Mutant(
        "head is not masked",
        "freelist.py",
        "after = u16[taken >> 1] & self._meta.offset_mask",
        "after = u16[taken >> 1]",
        "test_reference.py",
    ),
    Mutant(
        "the bump pointer passes the slab's end",
        "freelist.py",
        "after = behind if behind < self._slab_size else self._meta.full",
        "after = behind if behind <= self._slab_size + 1 else self._meta.full",
        "test_reference.py",
    ),
    Mutant(
        "the bump pointer passes the slab's end on the fast path",
        "fastpath.py",
        "(behind := offset + rounded[size]) < 65536:",
        "(behind := offset + rounded[size]) - 1 <= 65536:",
        "test_fastpath.py",
    ),
    Mutant(
        "link is not set when a full slab gets an object back",
        "slab.py",
        "u16[word + HEAD >> 1] = u16[word + LINK >> 1] = freed - slab",
        "u16[word + HEAD >> 1] = freed - slab",
        "test_reference.py",
    ),
    Mutant(
        "link is not set on the fast path",
        "fastpath.py",
        "head[()] = link[()] = address - base",
        "head[()] = address - base",
        "test_fastpath.py",
    ),
    Mutant(
        "a slab that gets full stays on the list",
        "slab.py",
        "            slabs.pop_front()\n",
        "            pass\n",
        "test_reference.py",
    ),
    Mutant(
        "prev of the second slab is not set",
        "slablist.py",
        "            u64[after + PREV >> 3] = node\n",
        "            pass\n",
        "test_properties.py",
    ),
    Mutant(
        "prev of the new first slab is left, so its list end is no end mark",
        "fastpath.py",
        "                i64[after >> 3] = -1\n",
        "                pass\n",
        "test_fastpath.py",
    ),
    Mutant(
        "a superslab's relative list is off by one",
        "superslab.py",
        "(self.head(superslab) - index - 1) & (self._config.slab_count - 1)",
        "(self.head(superslab) - index) & (self._config.slab_count - 1)",
        "test_reference.py",
    ),
    Mutant(
        "a recycled superslab forgets its list",
        "superslab.py",
        "if u64[superslab + KIND >> 3] == Kind.SUPER:",
        "if False:",
        "test_differential.py",
    ),
    Mutant(
        "a recycled medium slab of another class keeps its stack",
        "mediumslab.py",
        "if u64[slab + KIND >> 3] == Kind.MEDIUM and self.sizeclass(slab) == sizeclass:",
        "if u64[slab + KIND >> 3] == Kind.MEDIUM:",
        "test_differential.py",
    ),
    Mutant(
        "a full medium slab does not return to its list",
        "allocator.py",
        "        elif was_full:\n            slabs.insert(slab)\n",
        "        elif False:\n            slabs.insert(slab)\n",
        "test_reference.py",
    ),
    Mutant(
        "only-short superslabs are not used first",
        "allocator.py",
        "if superslab != NULL:\n                return self._taken(",
        "if False:\n                return self._taken(",
        "test_differential.py",
    ),
    Mutant(
        "the incarnation number does not change on a pop",
        "stack.py",
        "head, (top, incarnation), (below, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE",
        "head, (top, incarnation), (below, incarnation), Order.ACQUIRE",
        "test_stack.py",
    ),
    Mutant(
        "a jump in the page map is too far",
        "pagemap.py",
        "u8[entry] = JUMP + self._chunk_bits + m",
        "u8[entry] = JUMP + self._chunk_bits + m + 1",
        "test_heap.py",
    ),
    Mutant(
        "the home bucket is sent",
        "remotecache.py",
        "if bucket != home and u64[bucket + LAST >> 3] != bucket:",
        "if u64[bucket + LAST >> 3] != bucket:",
        "test_remotecache.py",
    ),
    Mutant(
        "the last message of the home bucket is not spread",
        "remotecache.py",
        "            if message == last:\n",
        "            if message == last or after == last:\n",
        "test_remotecache.py",
    ),
    Mutant(
        "the cache is posted one object late",
        "fastpath.py",
        "            if total >= limit:\n",
        "            if total > limit:\n",
        "test_fastpath.py",
    ),
    Mutant(
        "a negative address finds a full slab from the end of the table",
        "fastpath.py",
        "if slab is None or address < base:",
        "if slab is None:",
        "test_fastpath.py",
    ),
    Mutant(
        "a negative address finds another's slab from the end of the table",
        "fastpath.py",
        "if address < 0 or kind[()] != superslab",
        "if kind[()] != superslab",
        "test_fastpath.py",
    ),
    Mutant(
        "a slab of one object is put on the list of slabs with space when it is free",
        "fastpath.py",
        "        if left == 0:\n",
        "        if left < 0:\n",
        "test_fastpath.py",
    ),
    Mutant(
        "a short slab counts as long when it is no longer full",
        "fastpath.py",
        "short=base == base & self._chunk_mask",
        "short=False",
        "test_fastpath.py",
    ),
    Mutant(
        "more messages than a batch are received",
        "fastpath.py",
        "for _ in range(most):",
        "for _ in range(2 * most):",
        "test_fastpath.py",
    ),
    Mutant(
        "a run of messages is not counted",
        "fastpath.py",
        "                    used[()] = count\n",
        "                    pass\n",
        "test_fastpath.py",
    ),
    Mutant(
        "exchange does not hold the lock",
        "atomics.py",
        "        with self._lock:\n            before = self._u64[word]\n            self._u64[word] = value\n",
        "        before = self._u64[word]\n        (lambda: None)()\n        self._u64[word] = value\n",
        "test_atomics.py",
    ),
    Mutant(
        "calloc leaves old bytes",
        "allocator.py",
        "        self.memory.zero(address, total)\n",
        "        pass\n",
        "test_properties.py",
    ),
    Mutant(
        "realloc copies too little",
        "allocator.py",
        "kept = min(old, size)",
        "kept = min(old, size) - 1",
        "test_properties.py",
    ),
    Mutant(
        "a thread's end does not post its messages",
        "heap.py",
        "            allocator.post()\n            allocator.held_by(None)\n            if getattr",
        "            allocator.held_by(None)\n            if getattr",
        "test_threads.py",
    ),
    Mutant(
        "nothing is decommitted",
        "platform.py",
        "self.buffer.madvise(mmap.MADV_DONTNEED, first, last - first)",
        "pass",
        "test_platform.py",
    ),
    Mutant(
        "a double free passes",
        "checked.py",
        "            raise self.diagnose(address, call)\n        self.freed[address] = record\n",
        "            return\n        self.freed[address] = record\n",
        "test_checked.py",
    ),
    Mutant(
        "stores of bytes are not recorded",
        "recorder/teller.py",
        "if isinstance(index, int):",
        "if isinstance(index, int) and self._width > 1:",
        "test_recording.py",
    ),
    Mutant(
        "an exchange is told with a wrong value before",
        "recorder/shared.py",
        "            before = super().exchange(address, value, order)\n",
        "            before = super().exchange(address, value, order) and value\n",
        "test_recording.py",
    ),
    Mutant(
        "a message that is forwarded is another flow",
        "chrome.py",
        "begins = message not in flying",
        "begins = True",
        "test_recording.py",
    ),
    Mutant(
        "the object at the bump pointer is drawn as allocated",
        "pictures/slab.py",
        '"bump" if offset >= bump else "used"',
        '"bump" if offset > bump else "used"',
        "test_pictures.py",
    ),
    Mutant(
        "the home bucket is always that of round 0",
        "pictures/buckets.py",
        "allocator.cache.index(allocator.address, round)",
        "allocator.cache.index(allocator.address, 0)",
        "test_pictures.py",
    ),
    Mutant(
        "a change is marked by colour alone",
        "pictures/svg.py",
        "if changed and height >= 16:",
        "if False:",
        "test_pictures.py",
    ),
    Mutant(
        "dark by the page is not dark",
        "pictures/svg.py",
        ".snm,.snm.dark{{{_colours(DARK)}}}",
        ".snm,.snm.dark{{{_colours(LIGHT)}}}",
        "test_browser.py",
    ),
    Mutant(
        "a frame shows the bytes before its event",
        "step/film.py",
        "            stage.apply(event)\n            scene.follow(event)\n            if wanted:\n",
        "            scene.follow(event)\n            if wanted:\n",
        "test_step.py",
    ),
    Mutant(
        "what went back to the system keeps its bytes in a replica",
        "step/replica.py",
        "    if isinstance(event, Decommitted | Zeroed):",
        "    if isinstance(event, Zeroed):",
        "test_step.py",
    ),
    Mutant(
        "the right arrow leaps",
        "step/stepper.js",
        "ArrowRight: () => go(current + 1),",
        "ArrowRight: () => go(current + 2),",
        "test_browser.py",
    ),
    Mutant(
        "every stepper follows every link",
        "step/stepper.js",
        "if (!match || match[1] !== stepper.id) return false;",
        "if (!match) return false;",
        "test_browser.py",
    ),
)


@contextmanager
def copy_of(mutant: Mutant | None) -> Iterator[Path]:
    """Make a copy of package and tests, broken by a mutant."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for part in ("pysnmalloc", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "LICENSE", *(page.name for page in ROOT.glob("*.md")), "CITATION.cff"):
            shutil.copy(ROOT / part, folder / part)
        if mutant is not None:
            module = folder / "pysnmalloc" / mutant.module
            text = module.read_text(encoding="utf-8")
            if text.count(mutant.old) != 1:
                raise SystemExit(
                    f"mutant “{mutant.name}”: its text stands {text.count(mutant.old)} times in {module.name}"
                )
            module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        yield folder


def suite(folder: Path, *tests: str) -> str:
    """Run tests in a copy up to the first failure; say what came of it."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            timeout=HANGS_AFTER * (len(tests) or len(list((folder / "tests").glob("test_*.py")))),
        )
    except subprocess.TimeoutExpired:
        return "killed (hangs)"
    return NOTICED.get(ended.returncode, f"killed (crashed with {ended.returncode})")


def judge(mutant: Mutant) -> str:
    """Run the tests that should notice, then all; say what came of it."""
    with copy_of(mutant) as folder:
        verdict = suite(folder, f"tests/{mutant.tests}")
        return verdict if verdict != "survived" else suite(folder)


def main() -> None:
    """Judge all mutants and print a table."""
    parser = argparse.ArgumentParser(description="Show that the suite notices when the core is broken.")
    parser.add_argument("--only", default="", help="only mutants with this word in name or module")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if options.only in m.name or options.only in m.module]
    with copy_of(None) as folder:
        if suite(folder, *sorted({f"tests/{mutant.tests}" for mutant in chosen})) != "survived":
            raise SystemExit("the tests fail without any mutant; mend that first")
    survivors = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for place, (mutant, verdict) in enumerate(zip(chosen, pool.map(judge, chosen), strict=True), 1):
            survivors += verdict == "survived"
            print(f"{place:3}/{len(chosen)}  {verdict:24} {mutant.module:16} {mutant.name}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    raise SystemExit(survivors > 0)


if __name__ == "__main__":
    main()
