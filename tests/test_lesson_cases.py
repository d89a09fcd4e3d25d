"""A verdict can be followed up, and names what is wrong: a type, an argument, what is kept, what is forbidden."""

from __future__ import annotations

import enum
import functools
from collections import namedtuple
from collections.abc import Iterator

import pytest

from pysnmalloc.lesson import Trouble, Verdict, call, check, exercise
from pysnmalloc.lesson.judging import JUDGES
from pysnmalloc.lesson.source import forbidden
from pysnmalloc.lesson.values import misnamed, plainly, remark, same, shown
from pysnmalloc.lesson.verdict import State

from .answers import defined


@pytest.fixture(autouse=True)
def _without_ours() -> Iterator[None]:
    yield
    JUDGES.pop("0.99", None)


def summed(*, changes: bool = False) -> None:
    """Ask for the sum of some numbers."""

    @exercise("0.99")
    def _(answer: object) -> Iterator[Trouble]:
        for numbers in ([1, 2, 3], [], list(range(200)), [5]):
            yield from call(answer, "total", numbers, wanted=sum(numbers), changes=changes, why="Each number counts.")


def verdict_on(source: str) -> Verdict:
    """Check a function ``total`` that is defined as in a notebook."""
    return check("0.99", defined(source)["total"])


def test_a_case_has_the_real_arguments_and_can_be_called_again() -> None:
    summed()
    verdict = verdict_on("def total(numbers):\n    return sum(numbers[:100])")
    case = verdict.case
    assert case is not None
    assert "..." in verdict.words
    assert case.arguments == (list(range(200)),)
    assert repr(case) == f"total({list(range(200))})"
    assert case.again() == sum(range(100))
    (numbers,) = case.arguments
    assert isinstance(numbers, list)
    numbers.clear()
    assert case.arguments == (list(range(200)),)


def test_a_right_or_open_answer_has_no_case() -> None:
    summed()
    assert check("0.99", sum).case is None
    assert check("0.99", ...).case is None


def test_an_argument_that_is_changed_is_named() -> None:
    summed()
    words = verdict_on("def total(numbers):\n    numbers.append(0)\n    return sum(numbers)").words
    assert words.startswith(
        "`total([1, 2, 3])` changes its argument 1: it was [1, 2, 3], and is [1, 2, 3, 0] afterwards"
    )
    summed(changes=True)
    assert verdict_on("def total(numbers):\n    numbers.append(0)\n    return sum(numbers)").right


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "seen = []\ndef total(n):\n    seen.extend(n)\n    return sum(seen)",
            "`seen` was [] before the check, and is [",
        ),
        ("def total(n, seen=[]):\n    seen += n\n    return sum(seen)", "`seen` was [] before"),
        (
            "def total(n, *, seen={}):\n    seen[len(seen)] = sum(n)\n    return sum(seen.values())",
            "`seen` was {} before",
        ),
        (
            "def total(n):\n    total.sum = getattr(total, 'sum', 0) + sum(n)\n    return total.sum",
            "`total.sum` did not exist",
        ),
        (
            "count = 0\ndef total(n):\n    global count\n    count += 1\n    return sum(n) + count // 3",
            "`count` was 0 before",
        ),
        (
            "def make():\n    held = []\n    def total(n):\n        held.extend(n)\n        return sum(held)\n"
            "    return total\ntotal = make()",
            "`held` was [] before",
        ),
    ],
)
def test_what_an_answer_keeps_is_named(source: str, told: str) -> None:
    summed()
    verdict = verdict_on(source)
    assert verdict.state is State.WRONG
    assert told in verdict.words
    assert "each call must stand on its own" in verdict.words


def test_an_answer_that_is_right_the_first_time_only_is_refused() -> None:
    summed()
    verdict = verdict_on("count = 0\ndef total(n):\n    global count\n    count += 1\n    return sum(n) + (count > 4)")
    assert verdict.words.startswith("every call was right the first time, but not when all were made again: `total([1")
    assert "`count` was 0 before the check" in verdict.words


def test_a_judge_is_asked_once_if_it_says_so() -> None:
    asked = []

    @exercise("0.99", once=True)
    def _(answer: object) -> Iterator[Trouble]:
        asked.append(answer)
        yield from ()

    assert check("0.99", 1).right
    assert asked == [1]
    summed()
    assert not verdict_on(
        "count = 0\ndef total(n):\n    global count\n    count += 1\n    return sum(n) + (count > 4)"
    ).right


def test_an_answer_that_keeps_something_harmless_is_right() -> None:
    summed()
    assert verdict_on("calls = 0\ndef total(n):\n    global calls\n    calls += 1\n    return sum(n)").right


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def total():\n    return 6", "`total([1, 2, 3])` has 1 argument, but your function is defined with ()"),
        ("def total(a, b):\n    return 6", "your function is defined with (a, b)"),
        (
            "def total(n):\n    return str(sum(n))",
            "The value is right, but the type is not: this is a str, and it should be an int",
        ),
        ("def total(n):\n    return float(sum(n))", "this is a float, and it should be an int"),
        (
            "def total(n):\n    print(sum(n))",
            "returns None; it should return 6. Is there a `return`? Each number counts.",
        ),
        ("def total(n):\n    return n and sum(n) or ...", "this part is still to be written"),
        ("total = 6", "the answer must be a function, but this is 6"),
        ("x = []\nx.append(x)\ndef total(n):\n    return x", "returns ["),
        (
            "class Odd:\n    def __repr__(self):\n        raise KeyError\ndef total(n):\n    return Odd()",
            "returns an Odd",
        ),
        ("def total(n):\n    return 10 ** 10_000", "returns a number of 33220 bits"),
    ],
)
def test_a_wrong_result_is_told_in_words(source: str, told: str) -> None:
    summed()
    assert told in verdict_on(source).words


def test_the_stub_is_open_and_a_part_that_is_the_stub_is_not() -> None:
    summed()
    assert verdict_on("def total(n):\n    ...\n    return ...").state is State.OPEN
    assert verdict_on("def total(n):\n    raise NotImplementedError").state is State.OPEN
    partial = verdict_on("def total(n):\n    if n:\n        return sum(n)\n    raise NotImplementedError")
    assert partial.state is State.WRONG
    assert "still to be written" in partial.words


Pair = namedtuple("Pair", "left right")


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (Pair(1, 2), (1, 2)),
        (Colour.RED, 1),
        (3, 3.0),
        ([Pair(1, 2)], [(1, 2)]),
        ({"a": Colour.RED}, {"a": 1}),
        ("a", "a"),
    ],
)
def test_derived_types_count_as_what_they_are(got: object, wanted: object) -> None:
    assert same(got, wanted)
    assert remark(got, wanted) != "" or type(plainly(got)) is type(wanted) or isinstance(wanted, float)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (True, 1),
        (1, True),
        ((1, 2), [1, 2]),
        (1.0, 1),
        (Text("b"), "a"),
        ("1", 1),
        ([1], [1, 2]),
        (None, 0),
        ({1: 2}, {1: 3}),
    ],
)
def test_other_values_and_types_are_different(got: object, wanted: object) -> None:
    assert not same(got, wanted)


@pytest.mark.parametrize(
    ("got", "wanted", "told"),
    [
        ((1, 2), [1, 2], "this is a tuple, and it should be a list."),
        ([(1,), [2]], [[1], [2]], "element 0 is a tuple, and it should be a list."),
        ([1, 2.0], [1, 2], "element 1 is a float, and it should be an int."),
        ({"a": 1.0}, {"a": 1}, "the value of 'a' is a float, and it should be an int."),
        (True, 1, "this is a bool, and it should be an int."),
        ({2, 1}, [1, 2], "this is a set, and it should be a list."),
        ((n for n in (1, 2)), [1, 2], "This is a generator, and it should be a list."),
        (range(2), [0, 1], "This is a range, and it should be a list."),
        ((1, 3), [1, 2], ""),
        ("2", 1, ""),
        (None, 0, ""),
    ],
)
def test_a_remark_says_that_only_the_type_is_wrong(got: object, wanted: object, told: str) -> None:
    words = remark(got, wanted)
    assert words.endswith(told)
    assert bool(words) == bool(told)


def test_values_are_shown_without_asking_them() -> None:
    names = defined("class Mine:\n    def __repr__(self):\n        return 'right'")
    mine = names["Mine"]
    assert isinstance(mine, type)
    assert shown([mine()]) == "[a Mine]"
    assert shown(Pair(1, 2)).endswith("Pair(left=1, right=2)")


def test_a_name_that_was_meant_is_suggested() -> None:
    assert misnamed("SC", ["sc", "tso"]) == " Did you mean 'sc'?"
    assert misnamed("store_data", ["store data", "load data"]) == " Did you mean 'store data'?"
    assert misnamed("elephant", ["sc"]) == misnamed(7, ["sc"]) == ""


NO_LOOP = "Compute it from the number."
NO_BITS = "Shift instead."


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "def answer(n):\n    while n:\n        n -= 1",
            "your line `while n:` has a loop. Compute it from the number.",
        ),
        ("def answer(n):\n    return sum(1 for _ in range(n))", "has a loop"),
        ("def answer(n):\n    return [i for i in range(n)][-1]", "has a loop"),
        ("def answer(n):\n    return n and answer(n - 1)", "calls `answer` again, which is a loop too"),
        (
            "def help(n):\n    for _ in n:\n        pass\ndef answer(n):\n    return help(n)",
            "your line `for _ in n:` has a loop",
        ),
        (
            "def answer(n):\n    return n.bit_length()",
            "your line `return n.bit_length()` uses `bit_length`. Shift instead.",
        ),
        ("def answer(n):\n    return (lambda m: m.bit_length())(n)", "uses `bit_length`"),
        ("answer = lambda n: n.bit_length()", "uses `bit_length`"),
        ("import functools\n@functools.cache\ndef answer(n):\n    return n.bit_length()", "uses `bit_length`"),
        ("import pysnmalloc as sn\ndef answer(n):\n    return sn.Heap(n)", "uses `sn` of the library. Write it."),
        ("from pysnmalloc import Heap\ndef answer(n):\n    return Heap(n)", "uses `Heap` of the library"),
        (
            "def answer(n):\n    from pysnmalloc.sizeclass import SizeClasses\n    return SizeClasses",
            "imports the library",
        ),
        ("def answer(n):\n    import pysnmalloc\n    return n", "imports the library"),
        (
            "class answer:\n    def take(self):\n        while True:\n            pass",
            "your line `while True:` has a loop",
        ),
        ("def answer(n):\n    return 2 * n", ""),
        ("count = 3\ndef answer(n):\n    heap = n\n    return heap.malloc(count)", ""),
    ],
)
def test_what_is_forbidden_is_found_with_its_line(source: str, told: str) -> None:
    answer = defined(source)["answer"]
    words = [
        each.words for each in forbidden(answer, loops=NO_LOOP, names={"bit_length": NO_BITS}, library="Write it.")
    ]
    assert len(words) == bool(told)
    assert told in "".join(words)
    assert list(forbidden(answer)) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def answer(n):\n    while n > 0:\n        n -= 1", "your `answer` has a loop"),
        ("def answer(n):\n    return n.bit_length()", "uses `bit_length`"),
        ("import pysnmalloc as sn\ndef answer(n):\n    return sn.Heap(n)", "uses `sn` of the library"),
        ("def answer(n):\n    return 2 * n", ""),
    ],
)
def test_without_source_the_compiled_code_tells(source: str, told: str) -> None:
    names: dict[str, object] = {}
    exec(source, names)
    words = [each.words for each in forbidden(names["answer"], loops="No.", names={"bit_length": "No."}, library="No.")]
    assert len(words) == bool(told)
    assert told in "".join(words)


def test_what_is_no_function_uses_nothing() -> None:
    for answer in (3, None, len, functools.partial(len)):
        assert list(forbidden(answer, loops="No.", library="No.")) == []
