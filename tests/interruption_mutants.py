"""Mutants of what holds when something comes in the middle of a call: a signal, an exception, a finalizer, a fork."""

from __future__ import annotations

from .mutant import Mutant

__all__ = ["INTERRUPTION_MUTANTS"]

INTERRUPTED = "test_interruption.py::test_ctrl_c_at_any_point_leaves_every_law_whole"
FAILED = "test_interruption.py::test_an_exception_at_any_point_is_never_silent"
REENTERED = "test_interruption.py::test_a_free_from_inside_is_done_when_the_call_ends"
FORKED = "test_fork_anywhere.py::test_a_fork_at_any_point_of_another_threads_call"

INTERRUPTION_MUTANTS = (
    Mutant(
        "a call that was cut off is forgotten",
        "interruption/section.py",
        "            self.cut = call, error.__class__  # no call here: the stack may be at its limit\n",
        "            del error\n",
        f"{FAILED}[malloc, new superslab-plain]",
    ),
    Mutant(
        "SIGINT does not wait",
        "interruption/sigint.py",
        "            HANDLERS.waiting = self.former\n",
        "            self.former(signum, frame)\n",
        f"{INTERRUPTED}[malloc, new superslab-plain]",
    ),
    Mutant(
        "an interrupted malloc keeps its object",
        "interruption/section.py",
        "                undo(result)\n",
        "                pass\n",
        f"{INTERRUPTED}[malloc, new superslab-plain]",
    ),
    Mutant(
        "an interrupted calloc keeps its object",
        "interruption/sigint.py",
        '                undo(cast("A", args[0]), result)\n',
        "                pass\n",
        f"{INTERRUPTED}[calloc-plain]",
    ),
    Mutant(
        "a free from inside is lost",
        "interruption/section.py",
        "        self._current().kept.append((free, address))\n",
        "",
        f"{REENTERED}[malloc, new superslab-plain]",
    ),
    Mutant(
        "frees that were kept are never done",
        "interruption/section.py",
        "                if thread.kept:\n                    _free_kept()\n",
        "",
        f"{REENTERED}[malloc, new superslab-plain]",
    ),
    Mutant(
        "malloc and free use the tables while they change",
        "hotpath/closures.py",
        "        nonlocal inbox\n        inbox = away\n        result = run(call, undo, work, *arguments)\n",
        "        nonlocal inbox\n        result = run(call, undo, work, *arguments)\n",
        f"{FAILED}[malloc, new superslab-fast]",
    ),
    Mutant(
        "the last object of a slab is taken though a call from inside has taken it",
        "hotpath/closures.py",
        "        if base + first[()] != taken or u16[taken // 2] != end_mark:\n",
        "        if base + first[()] != taken and size < 0:\n",
        "test_interruption.py::test_a_malloc_from_inside_works_or_is_refused[malloc, last object-fast]",
    ),
    Mutant(
        "a full slab is put back though a call from inside has put it back",
        "hotpath/closures.py",
        "        if slabs[index][3] is not put_back:\n",
        "        if slabs[index][3] is None:\n",
        "test_interruption.py::test_a_free_from_inside_is_done_when_the_call_ends[free, full slab-fast]",
    ),
    Mutant(
        "a lone medium slab is given back without a section",
        "hotpath/lone.py",
        "        if not inside or address != object",
        "        if address != object",
        "test_interruption.py::test_a_malloc_from_inside_works_or_is_refused[alone in a medium slab-fast]",
    ),
    Mutant(
        "a thread that acquires its allocator is entered again",
        "heap.py",
        '        self._demand_outside("acquire")\n',
        "",
        "test_reentry.py::test_a_free_while_a_thread_acquires_its_allocator_is_kept",
    ),
    Mutant(
        "an unknown integer is taken as it is",
        "errors.py",
        "        return int(index(value))\n",
        "        return value  # type: ignore[return-value]\n",
        "test_numbers.py::test_every_integer_works_as_its_value[Bare-plain]",
    ),
    Mutant(
        "a fork holds no locks",
        "interruption/fork.py",
        "        lock.__enter__()\n",
        "        held.pop()\n",
        "test_fork.py::test_no_lock_of_a_heap_is_held_in_the_child[pool]",
    ),
    Mutant(
        "a child goes on with the allocators of lost threads",
        "interruption/fork.py",
        "            lost(owner)\n",
        "            pass\n",
        f"{FORKED}[fast-malloc, 8 chunks]",
    ),
    Mutant(
        "the length of a large object comes before its jumps",
        "pagemap.py",
        "        u8, first = self._u8, self._base + (chunk >> self._chunk_bits)\n",
        "        u8, first = self._u8, self._base + (chunk >> self._chunk_bits)\n        u8[first] = size_bits\n",
        f"{FORKED}[plain-malloc, 8 chunks]",
    ),
)
