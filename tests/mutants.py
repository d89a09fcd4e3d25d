"""The mutation check: break the core in one line, many times; the suite must turn red each time.

    python -m tests.mutants [--only WORD] [--jobs N]

Every mutant is one line of the package, replaced in a copy of package, tests and pages. It names the test that should
notice. If that one does not, all tests of its file run, and then the whole suite. A mutant that survives them is a hole
in the tests, and the exit status is 1. A mutant that makes a test run for ever counts as noticed: the process is ended
after a while that the test needs many times over.

The tests that are named must pass without a mutant, or its death would say nothing: all of them run first, once.
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
from functools import partial
from pathlib import Path

from .explorer_mutants import EXPLORER_MUTANTS
from .interruption_mutants import INTERRUPTION_MUTANTS
from .mutant import Mutant

ROOT = Path(__file__).parents[1]
HANGS_AFTER = 120  # seconds, for the test named; the whole suite gets as many times as it has files
NOTICED = {
    0: "survived",
    1: "killed",
    2: "killed (interrupted)",
    3: "killed (internal error)",
    4: "killed (no import)",  # without the mutant, the test is there: it ran
}

MUTANTS = (
    *EXPLORER_MUTANTS,
    *INTERRUPTION_MUTANTS,
    Mutant(
        "the stub is not skipped",
        "allocator.py",
        "if message != self.queue.stub:",
        "if True:",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "the stub is not skipped on the fast path",
        "hotpath/allocator.py",
        "elif message != self.queue.stub:",
        "else:",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "a size class too small at the boundary",
        "sizeclass.py",
        "last = max(size, 1) - 1",
        "last = max(size, 2) - 2",
        "test_config.py::test_a_request_gets_the_smallest_class_that_holds_it",
    ),
    Mutant(
        "forwarded messages are lost",
        "allocator.py",
        "self.cache.dealloc(target, message, self.table.sizes[sizeclass])",
        "pass",
        "test_figures.py::test_figures_1_and_2",
    ),
    Mutant(
        "the last message's next is not set to null",
        "messagequeue.py",
        "atomics.store(last + NEXT, NULL, Order.RELAXED)",
        "pass",
        "test_queue.py::test_sending_costs_one_exchange_and_receiving_none",
    ),
    Mutant(
        "the list is linked behind itself",
        "messagequeue.py",
        "atomics.store(before + NEXT, first, Order.RELEASE)",
        "atomics.store(last + NEXT, first, Order.RELEASE)",
        "test_queue.py::test_the_newest_stays_behind_until_another_arrives",
    ),
    Mutant(
        "the link comes before the exchange",
        "messagequeue.py",
        "        before = atomics.exchange(self._back, last, Order.ACQ_REL)\n",
        "        before = atomics.load(self._back, Order.RELAXED)\n"
        "        atomics.store(before + NEXT, first, Order.RELEASE)\n"
        "        atomics.exchange(self._back, last, Order.ACQ_REL)\n",
        "test_figures.py::test_figure_3",
    ),
    Mutant(
        "front stays where it was",
        "messagequeue.py",
        "        self._u64[self._front] = batch.pop()\n",
        "        batch.pop()\n",
        "test_queue.py::test_sending_costs_one_exchange_and_receiving_none",
    ),
    Mutant(
        "head is not masked",
        "freelist.py",
        "after = u16[taken >> 1] & self._meta.offset_mask",
        "after = u16[taken >> 1]",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "the bump pointer passes the slab's end",
        "freelist.py",
        "after = moved if moved < self._slab_size else self._meta.full",
        "after = moved if moved <= self._slab_size + 1 else self._meta.full",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "the bump pointer passes the slab's end on the fast path",
        "hotpath/closures.py",
        "(behind := offset + rounded[size]) < slab_size:",
        "(behind := offset + rounded[size]) - 1 <= slab_size:",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "link is not set when a full slab gets an object back",
        "slab.py",
        "u16[word + HEAD >> 1] = u16[word + LINK >> 1] = freed - slab",
        "u16[word + HEAD >> 1] = freed - slab",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "link is not set on the fast path",
        "hotpath/closures.py",
        "head[()] = link[()] = address - base",
        "head[()] = address - base",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a slab that gets full stays on the list",
        "slab.py",
        "            slabs.pop_front()\n",
        "            pass\n",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "prev of the second slab is not set",
        "slablist.py",
        "            u64[after + PREV >> 3] = node\n",
        "            pass\n",
        "test_properties.py::test_random_programs_keep_every_promise",
    ),
    Mutant(
        "prev of the new first slab is left, so its list end is no end mark",
        "hotpath/closures.py",
        "            prevs[after // 8] = -1\n",
        "            pass\n",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a superslab's relative list is off by one",
        "superslab.py",
        "(self.head(superslab) - index - 1) & (self._config.slab_count - 1)",
        "(self.head(superslab) - index) & (self._config.slab_count - 1)",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "a recycled superslab forgets its list",
        "superslab.py",
        "if u64[superslab + KIND >> 3] == Kind.SUPER:",
        "if False:",
        "test_differential.py::test_long_random_runs_agree",
    ),
    Mutant(
        "a recycled medium slab of another class keeps its stack",
        "mediumslab.py",
        "if u64[slab + KIND >> 3] == Kind.MEDIUM and self.sizeclass(slab) == sizeclass:",
        "if u64[slab + KIND >> 3] == Kind.MEDIUM:",
        "test_differential.py::test_long_random_runs_agree",
    ),
    Mutant(
        "a full medium slab does not return to its list",
        "allocator.py",
        "        elif was_full:\n            slabs.insert(slab)\n",
        "        elif False:\n            slabs.insert(slab)\n",
        "test_reference.py::test_the_library_does_what_snmalloc_did",
    ),
    Mutant(
        "only-short superslabs are not used first",
        "allocator.py",
        "if superslab != NULL:\n                return self._taken(",
        "if False:\n                return self._taken(",
        "test_differential.py::test_long_random_runs_agree",
    ),
    Mutant(
        "the incarnation number does not change on a pop",
        "stack.py",
        "head, (top, incarnation), (below, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE",
        "head, (top, incarnation), (below, incarnation), Order.ACQUIRE",
        "test_stack.py::test_last_in_first_out_and_every_success_adds_one",
    ),
    Mutant(
        "a jump in the page map is too far",
        "pagemap.py",
        "u8[entry] = JUMP + self._chunk_bits + m",
        "u8[entry] = JUMP + self._chunk_bits + m + 1",
        "test_heap.py::test_no_space_left_at_once",
    ),
    Mutant(
        "the home bucket is sent",
        "remotecache.py",
        "if bucket != home and u64[bucket + LAST >> 3] != bucket:",
        "if u64[bucket + LAST >> 3] != bucket:",
        "test_remotecache.py::test_the_home_bucket_is_spread_by_the_next_bits",
    ),
    Mutant(
        "the last message of the home bucket is not spread",
        "remotecache.py",
        "            if message == last:\n",
        "            if message == last or after == last:\n",
        "test_remotecache.py::test_the_home_bucket_is_spread_by_the_next_bits",
    ),
    Mutant(
        "the cache is posted one object late",
        "hotpath/closures.py",
        "            if total >= limit:\n",
        "            if total > limit:\n",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a negative address finds a full slab from the end of the table",
        "hotpath/closures.py",
        "        if index < 0:\n",
        "        if index < -(1 << 60):\n",
        "test_fastpath.py::test_no_negative_address_is_an_index",
    ),
    Mutant(
        "a negative address finds another's slab from the end of the table",
        "hotpath/closures.py",
        "if address < 0 or kind[()] != superslab",
        "if kind[()] != superslab",
        "test_fastpath.py::test_a_negative_address_verifies_no_slab_of_another",
    ),
    Mutant(
        "a slab of one object is put on the list of slabs with space when it is free",
        "hotpath/allocator.py",
        "if self._capacity(sizeclass, slab) > 1 else self._single",
        "if self._capacity(sizeclass, slab) > 0 else self._single",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a short slab counts as long when it is no longer full",
        "hotpath/allocator.py",
        "short=slab == slab & self._chunk_mask",
        "short=False",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a lone chunk is taken though the stack has changed",
        "hotpath/lone.py",
        "            if top[()] != chunk or incarnation[()] != number:",
        "            if top[()] != chunk:",
        "test_fastpath.py::test_a_lone_object_comes_and_goes_whatever_happens_between",
    ),
    Mutant(
        "a lone superslab is given back though another of its slabs is in use",
        "hotpath/lone.py",
        "                    used[()] != 1\n                    or slab_used",
        "                    slab_used",
        "test_fastpath.py::test_a_lone_object_that_got_company_in_its_superslab",
    ),
    Mutant(
        "a lone superslab is taken though another has space",
        "hotpath/lone.py",
        "if available[()] or only_short[()] or list_head[()] >= 0:",
        "if list_head[()] >= 0:",
        "test_fastpath.py::test_a_lone_superslab_stays_away_while_another_has_space",
    ),
    Mutant(
        "the list node of a lone slab keeps its words",
        "hotpath/lone.py",
        "            prev[()] = next_node[()] = 0\n",
        "            pass\n",
        "test_fastpath.py::test_a_lone_object_comes_and_goes_whatever_happens_between",
    ),
    Mutant(
        "a lone medium slab is given back though it has two objects",
        "hotpath/lone.py",
        "or head[()] != 1 or",
        "or",
        "test_fastpath.py::test_a_lone_medium_slab_stays_while_it_has_another_object",
    ),
    Mutant(
        "a slab of another allocator is not verified again after a post",
        "hotpath/allocator.py",
        "            tables.slabs[index] = doubtful\n        tables.verified.clear()\n",
        "            assert doubtful\n        tables.verified.clear()\n",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "more messages than a batch are received",
        "hotpath/closures.py",
        "for _ in range(most):",
        "for _ in range(2 * most):",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a run of messages is not counted",
        "hotpath/closures.py",
        "                used[()] = count\n",
        "                pass\n",
        "test_fastpath.py::test_long_random_runs_write_the_same_bytes",
    ),
    Mutant(
        "a slab that was given back keeps its class",
        "hotpath/allocator.py",
        "        tables.classes[index] = NONE\n",
        "        pass\n",
        "test_differential.py::test_long_random_runs_agree",
    ),
    Mutant(
        "exchange does not hold the lock",
        "atomics.py",
        "        with self._lock:\n            before = self._u64[word]\n            self._u64[word] = value\n",
        "        before = self._u64[word]\n        (lambda: None)()\n        self._u64[word] = value\n",
        "test_atomics.py::test_a_read_modify_write_reads_and_writes_inside_the_lock",
    ),
    Mutant(
        "calloc leaves old bytes",
        "allocator.py",
        "        self.memory.zero(address, size)\n",
        "        pass\n",
        "test_properties.py::test_random_programs_keep_every_promise",
    ),
    Mutant(
        "realloc copies too little",
        "allocator.py",
        "kept = min(old, size)",
        "kept = min(old, size) - 1",
        "test_properties.py::test_random_programs_keep_every_promise[classroom-plain-full]",
    ),
    Mutant(
        "a thread's end does not post its messages",
        "heap.py",
        "                allocator.post()\n                if allocator not in self._pool:",
        "                if allocator not in self._pool:",
        "test_threads.py::test_a_hundred_threads_come_and_go",
    ),
    Mutant(
        "a heap takes all address space that a limit leaves",
        "platform.py",
        "_granted(size + size // 2) is None",
        "_granted(size) is None",
        "test_limits.py::test_it_halves_and_leaves_room",
    ),
    Mutant(
        "an error loses its attributes on the way from a process",
        "errors.py",
        "return _rebuilt, (type(self), self.args), vars(self)",
        "return _rebuilt, (type(self), self.args)",
        "test_copies.py::test_it_survives[errors.LeakError-pickle 5]",
    ),
    Mutant(
        "nothing is decommitted",
        "platform.py",
        "self.buffer.madvise(mmap.MADV_DONTNEED, first, last - first)",
        "pass",
        "test_platform.py::test_a_large_object_that_is_freed_leaves_memory",
    ),
    Mutant(
        "a double free passes",
        "inspection/checked.py",
        "                raise self.diagnose(address, call)\n            self.freed[address] = record\n",
        "                return\n            self.freed[address] = record\n",
        "test_checked.py::test_double_free",
    ),
    Mutant(
        "a part that lacks a method is accepted",
        "parts/interface.py",
        "if not hasattr(given, name):",
        "if False:",
        "test_parts.py::test_a_part_that_lacks_something_is_refused_by_name",
    ),
    Mutant(
        "the laws ask the part that they judge",
        "inspection/survey.py",
        'if not set(shared.parts.replaced()) - {"allocator"}:',
        "if True:",
        "test_parts.py::test_a_heap_runs_what_was_put_in_and_the_bytes_are_the_same",
    ),
    Mutant(
        "a replaced part is not run, since the hot path is",
        "heap.py",
        "record is None and parts == PAPER_PARTS",
        "record is None",
        "test_parts.py::test_the_hot_path_is_for_the_papers_parts_alone",
    ),
    Mutant(
        "stores of bytes are not recorded",
        "recording/recorder/teller.py",
        "if isinstance(index, int):",
        "if isinstance(index, int) and self._width > 1:",
        "test_recording.py::test_the_stores_of_the_events_make_the_heaps_bytes",
    ),
    Mutant(
        "an exchange is told with a wrong value before",
        "recording/recorder/shared.py",
        "            before = super().exchange(address, value, order)\n",
        "            before = super().exchange(address, value, order) and value\n",
        "test_recording.py::test_a_recording_heap_has_the_same_addresses_and_bytes",
    ),
    Mutant(
        "a message that is forwarded is another flow",
        "recording/chrome.py",
        "begins = message not in flying",
        "begins = True",
        "test_recording.py::test_slices_nest_and_flows_run_from_post_to_home",
    ),
    Mutant(
        "the object at the bump pointer is drawn as allocated",
        "pictures/slab.py",
        '"bump" if offset >= bump else "used"',
        '"bump" if offset > bump else "used"',
        "test_pictures.py::test_a_slab_is_drawn_as_its_bytes_are",
    ),
    Mutant(
        "the home bucket is always that of round 0",
        "pictures/buckets.py",
        "allocator.cache.index(allocator.address, round)",
        "allocator.cache.index(allocator.address, 0)",
        "test_pictures.py::test_the_64_buckets_of_the_paper_and_the_home_bucket_of_each_round",
    ),
    Mutant(
        "a change is marked by colour alone",
        "pictures/svg.py",
        "if changed and height >= 16:",
        "if False:",
        "test_pictures.py::test_changes_are_marked_by_more_than_colour",
    ),
    Mutant(
        "dark by the page is not dark",
        "pictures/svg.py",
        ".snm,.snm.dark{{{_colours(DARK)}}}",
        ".snm,.snm.dark{{{_colours(LIGHT)}}}",
        "test_browser.py::test_dark_mode_by_the_system_and_by_the_page",
    ),
    Mutant(
        "a frame shows the bytes before its event",
        "step/film.py",
        "            stage.apply(event)\n            scene.follow(event)\n            if wanted:\n",
        "            scene.follow(event)\n            if wanted:\n",
        "test_step.py::test_every_frame_shows_the_bytes_as_they_were",
    ),
    Mutant(
        "what went back to the system keeps its bytes in a replica",
        "step/replica.py",
        "    if isinstance(event, Decommitted | Zeroed):",
        "    if isinstance(event, Zeroed):",
        "test_step.py::test_a_replica_has_the_bytes_after_every_event",
    ),
    Mutant(
        "the right arrow leaps",
        "step/stepper.js",
        "ArrowRight: () => go(current + 1),",
        "ArrowRight: () => go(current + 2),",
        "test_browser.py::test_keys",
    ),
    Mutant(
        "every stepper follows every link",
        "step/stepper.js",
        "if (!match || match[1] !== stepper.id) return false;",
        "if (!match) return false;",
        "test_browser.py::test_a_link_leads_to_its_step",
    ),
)


@contextmanager
def whole() -> Iterator[Path]:
    """Make a copy of what tests look at. The first run in it compiles it, and the copies of mutants take that over."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        for part in ("pysnmalloc", "tests", "tutorials", "docs"):
            left_out = shutil.ignore_patterns("__pycache__", "_build", "_extra")
            shutil.copytree(ROOT / part, folder / part, ignore=left_out)
        pages = (each.name for each in ROOT.glob("*.md"))
        for page in ("pyproject.toml", "conftest.py", "noxfile.py", "LICENSE", "CITATION.cff", *pages):
            shutil.copy(ROOT / page, folder)
        yield folder


@contextmanager
def broken(mutant: Mutant, base: Path) -> Iterator[Path]:
    """Make a copy that a mutant breaks. Its other files are links to those of the base, and nothing writes to them."""
    with tempfile.TemporaryDirectory(prefix="mutant-", dir=base.parent) as name:
        folder = Path(name)
        shutil.copytree(base, folder, copy_function=os.link, dirs_exist_ok=True)
        module = folder / "pysnmalloc" / mutant.module
        text = module.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"mutant “{mutant.name}”: its text stands {text.count(mutant.old)} times in {module.name}")
        for each in (module, *(module.parent / "__pycache__").glob(f"{module.stem}.*")):
            each.unlink()
        module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        yield folder


def suite(folder: Path, *tests: str, jobs: int = 1, first: bool = False) -> str:
    """Run tests in a copy up to the first failure; say what came of it. The first run compiles, and prints failures."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--demand-browser", *tests]
    command += ["--every-point"] if tests else []
    command += ["-n", str(jobs)] if jobs > 1 else ["-p", "no:xdist"]
    command.append("--ignore=tests/test_mutants.py")  # it looks for the text that a mutant has replaced
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "" if first else "1"}
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
    if first and ended.returncode:
        print(ended.stdout.decode(errors="replace")[-10_000:])
    return NOTICED.get(ended.returncode, f"killed (crashed with {ended.returncode})")


def judge(mutant: Mutant, base: Path) -> str:
    """Run the test that should notice, then its file, then all; say what came of it."""
    with broken(mutant, base) as folder:
        named = f"tests/{mutant.tests}"
        verdict = suite(folder, named)
        for others in ((named.partition("::")[0],), ()):
            if verdict == "survived" and (verdict := suite(folder, *others)) != "survived":
                return f"{verdict}, by another"
        return verdict


def main() -> None:
    """Judge all mutants and print a table."""
    parser = argparse.ArgumentParser(description="Show that the suite notices when the core is broken.")
    parser.add_argument("--only", default="", help="only mutants with this word in name or module")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if options.only in m.name or options.only in m.module]
    named = sorted({f"tests/{mutant.tests}" for mutant in chosen})
    survivors = 0
    with whole() as base, ThreadPoolExecutor(options.jobs) as pool:
        if suite(base, *named, jobs=options.jobs, first=True) != "survived":
            raise SystemExit("a test that is named fails without any mutant, or is not there; mend that first")
        verdicts = pool.map(partial(judge, base=base), chosen)
        for place, (mutant, verdict) in enumerate(zip(chosen, verdicts, strict=True), 1):
            survivors += verdict == "survived"
            print(f"{place:3}/{len(chosen)}  {verdict:24} {mutant.module:16} {mutant.name}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    raise SystemExit(survivors > 0)


if __name__ == "__main__":
    main()
