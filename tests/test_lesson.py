"""What notebooks need: verdicts in words, failures that are meant, predictions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pysnmalloc.lesson import Fitting, Trouble, Wanted, call, check, exercise, fails, predict
from pysnmalloc.lesson.compared import compared
from pysnmalloc.lesson.judging import JUDGES
from pysnmalloc.lesson.material.pagemaps import Entries
from pysnmalloc.lesson.material.slabs import Case
from pysnmalloc.lesson.running.budget import Spent, limited
from pysnmalloc.lesson.source import forbidden
from pysnmalloc.lesson.values import misnamed, nearest, remark, shown
from pysnmalloc.lesson.verdict import State
from pysnmalloc.pagemap import PageMap

from .answers import FOLDER, exercises_of


@pytest.fixture(autouse=True)
def _without_ours() -> Iterator[None]:
    yield
    JUDGES.pop("0.99", None)


def test_all_numbers_of_a_value_are_told_in_one_base() -> None:
    assert shown((8192, 2, [48])) == "(8192, 2, [48])"
    assert shown((8192, 2, [48], "a", (7,)), base_16=True) == "(0x2000, 0x2, [0x30], 'a', (0x7,))"
    assert shown(True, base_16=True) == "True"
    assert shown(b"\x00\xff") == "bytes.fromhex('00ff')"
    assert shown(object()) == "an object"
    assert shown(number for number in range(3)) == "a generator"
    assert len(shown(list(range(1000)))) == 100


@pytest.mark.parametrize(
    ("got", "told"),
    [
        ((8192, 0, 0), "`place(0x2130, 10)` returns (0x2000, 0x0, 0x0); it should return (0x2000, 0x0, 0x130)."),
        ((0, 0, 0), "`place(0x2130, 10)` returns (0x0, 0x0, 0x0); it should return (0x2000, 0x0, 0x130)."),
        (None, "`place(0x2130, 10)` returns None; it should return (0x2000, 0x0, 0x130). Is there a `return`?"),
    ],
)
def test_what_came_and_what_was_wanted_are_told_in_one_base(got: object, told: str) -> None:
    wanted = (0x2000, 0, 0x130)
    troubles = call(lambda *_: got, "place", 0x2130, 10, wanted=wanted, addresses=(0,))
    assert [trouble.words for trouble in troubles] == [told]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("store_flag", "store flag"),
        ("Flag  Store", "store flag"),
        ("stroe flag", "store flag"),
        ("store flag", "store flag"),
        ("fence", ""),
        (7, ""),
    ],
)
def test_a_misspelled_name_is_recognized(name: object, meant: str) -> None:
    assert nearest(name, ["load data", "store data", "store flag", "load flag"]) == meant
    assert misnamed(name, ["store flag"]) == (meant and " Did you mean 'store flag'?")


def test_a_result_may_be_one_of_several() -> None:
    even = Fitting("an even number", lambda got: "" if got in (2, 4) else f"returns {got}, which is odd.")
    assert list(call(lambda: 4, "even", wanted=even)) == []
    assert [str(each) for each in call(lambda: 3, "even", wanted=even, why="So what?")] == [
        "`even()` returns 3, which is odd. So what?"
    ]
    (trouble,) = call(lambda numbers: numbers.pop(), "even", [2], wanted=even)
    assert "changes its argument 1" in str(trouble)
    (trouble,) = call(lambda: 1 // 0, "even", wanted=even)
    assert "it should return an even number" in str(trouble)


def test_counts_are_told_in_base_10() -> None:
    (trouble,) = call(lambda count: count, "visits", 3200, wanted=198)
    assert trouble.words == "`visits(3200)` returns 3200; it should return 198."


@pytest.mark.parametrize("text", ["48", " 048", "0x30", "0b11_0000"])
def test_a_number_as_a_text_is_of_the_wrong_type_only(text: str) -> None:
    assert remark(text, 48) == "The value is right, but the type is not: this is a str, and it should be an int."
    assert [remark(text, 49), remark(f"{text}x", 48)] == ["", ""]


def test_a_line_that_is_stopped_has_long_values_by_their_length() -> None:
    def doubles() -> None:
        found = [0]
        while found:
            found += found

    with pytest.raises(Spent, match=r"64 MiB of memory, at your line .*, where found = a list of length [\d,]+$"):
        limited(doubles)


def test_a_class_derived_from_the_library_s_is_the_library_s() -> None:
    class Mine(PageMap):
        pass

    def answer() -> object:
        return Mine

    (trouble,) = forbidden(answer, library="Write it yourself.")
    assert "uses `Mine` of the library. Write it yourself." in str(trouble)


class Equal:
    """Claims to be equal to all."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # as for any mutable


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (sum, State.RIGHT),
        (lambda _: ..., State.OPEN),
        (..., State.OPEN),
        (lambda numbers: float(sum(numbers)), State.WRONG),
        (lambda numbers: numbers.reverse() or sum(numbers), State.WRONG),
        (lambda _: Equal(), State.WRONG),
        (lambda numbers: numbers.clear() or 6, State.WRONG),
        (lambda _: 1 // 0, State.WRONG),
        (6, State.WRONG),
    ],
)
def test_an_answer_is_not_believed(answer: object, state: State) -> None:
    @exercise("0.99")
    def _(answer: object) -> Iterator[Trouble]:
        numbers = [1, 2, 3]
        yield from call(answer, "total", numbers, wanted=Wanted(6, "their sum"))
        yield from call(answer, "total", [], wanted=0)
        assert numbers == [1, 2, 3]

    verdict = check("0.99", answer)
    assert verdict.state is state
    assert f"data-state='{state.name.lower()}'" in verdict._repr_html_()


@pytest.mark.parametrize(("number", "keys"), [("5.2", ["store data", "load data"]), ("5.3", ["R+W"])])
def test_a_dict_of_which_nothing_is_written_is_open(number: str, keys: list[str]) -> None:
    assert check(number, dict.fromkeys(keys, ...)).state is State.OPEN


def test_an_exercise_that_does_not_exist_is_told() -> None:
    with pytest.raises(ValueError, match="no such exercise"):
        check("0.77", ...)
    with pytest.raises(ValueError, match="no such exercise"):
        check("77.1", ...)


def test_a_failure_that_is_meant_is_told_and_one_that_is_not_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with fails(AssertionError):
        raise AssertionError("it fell")
    out = capsys.readouterr().out
    assert out.startswith("✘ AssertionError: it fell\n")
    assert 'raise AssertionError("it fell")' in out
    with pytest.raises(KeyError), fails(AssertionError):
        raise KeyError
    with pytest.raises(AssertionError, match="did not"), fails(ZeroDivisionError):
        pass


def test_a_prediction_does_not_tell_in_advance() -> None:
    asked = predict("1 + 1?", {"1": "One short.", "2": "As in <b>.", "3": "One over."}, right=2)
    assert "As in" not in repr(asked)
    html = asked._repr_html_()
    assert html.count("✔") == 1
    assert "&lt;b&gt;" in html
    with pytest.raises(ValueError, match="is right, but the choices are"):
        predict("1 + 1?", {"1": "", "3": ""}, right=2)
    with pytest.raises(ValueError, match="two choices"):
        predict("1 + 1?", {"2": ""}, right=2)


@pytest.mark.parametrize(
    ("got", "told"),
    [
        ([48, 64], "80 is missing. 48 is not a free object."),
        ([80, 64], "The elements are right, but their order is not."),
        ([64, 80, 64], "64 is there more than once."),
        ([64, 80, 1, 2, 3, 4], "1, 2 and 2 more are not free objects."),
        ([64, 80], ""),
        ([64, "80"], ""),
        ((64,), ""),
        ([64] * 2000, "The list has 2,000 elements, and it should have 2."),
    ],
)
def test_lists_are_compared_in_words(got: object, told: str) -> None:
    assert compared(got, [64, 80], "free object") == told
    assert compared([0x40], [0x40, 0x50, 0x60], "free object", base_16=True) == "0x50 and 0x60 are missing."


PORTS = {answer.title: answer for answer in exercises_of(FOLDER / "11.md")[0].answers}


@pytest.mark.parametrize(
    ("title", "returned"),
    [("1 read as a bump pointer", 0), ("a head of 0 is taken for nothing", -1)],
)
def test_the_calls_of_a_slab_can_be_made_again(title: str, returned: int) -> None:
    case = check("11.1", PORTS[title].run()).case
    assert case is not None
    assert case.again() == returned
    assert case.again() == returned, "on a new slab each time"


def test_a_slab_whose_fields_are_wrong_can_be_had_again() -> None:
    verdict = check("11.1", PORTS["every object that comes back becomes the node"].run())
    assert "the slab's node is the object at 688, but `link` is 912" in verdict.words
    assert verdict.case is not None
    assert verdict.case.arguments == (240, 112, 1024)
    slab = verdict.case.again()
    assert [getattr(slab, name) for name in ("used", "head", "link")] == [5, 1, 912]


def test_what_a_program_wrote_is_written_again() -> None:
    case = check("11.1", PORTS["a fresh link is trusted to be 0"].run()).case
    assert case is not None
    slab = case.again()
    assert getattr(slab, "head", None) == 912, "an old value, followed as if it were a link"


def test_a_slab_that_was_moved_is_moved_again() -> None:
    case = check("11.1", PORTS["a Python list beside the list in memory"].run()).case
    assert case is not None
    assert case.again() == 911


def test_arguments_that_a_message_names_are_in_the_case_in_full() -> None:
    found = check("2.2", lambda *_: (0, 0)).case
    assert found is not None
    assert found.again() == (0, 0)
    slab, head, size = found.arguments
    assert isinstance(slab, bytes)
    assert (len(slab), slab[:2].hex(), head, size) == (1024, "5b5b", 0x81, 224)
    found = check("3.1", lambda _read, chunk, _bits: chunk).case
    assert found is not None
    read, chunk, chunk_bits = found.arguments
    assert callable(read)
    assert check("3.1", lambda read, chunk, _bits: 3 if read(chunk) > 7 and read(chunk) else chunk).case is not None
    assert ([read(at) for at in range(12)], chunk, chunk_bits) == ([0, 1, 2, 16, 77, 78, 78, 79, 79, 79, 79, 0], 4, 13)


def test_a_page_map_lists_the_bytes_of_an_object() -> None:
    entries = Entries(13, 4, 0)
    listed = "The bytes of this object, from its first chunk on: 17, 77, 78, 78, 79, 79, 79, 79, 80, ...."
    assert [entries.words(chunk) for chunk in (1, 2, 3, 18)] == [
        "Chunk 1 is a superslab.",
        "Chunk 2 is a medium slab.",
        listed,
        listed,
    ]
    assert entries.words(19) == "The bytes of this object, from its first chunk on: 13."
    assert [entries.way(chunk) for chunk in (1, 3, 9, 18, 19)] == [[1], [3], [9, 5, 3], [18, 10, 6, 4, 3], [19]]
    assert entries.reads == []


def words_of(slab: bytes, *offsets: int) -> list[int]:
    """The 16-bit words at some offsets."""
    return [int.from_bytes(slab[offset : offset + 2], "little") for offset in offsets]


@pytest.mark.parametrize(
    ("case", "words", "told"),
    [
        (
            Case(224, (0x240, 0x160), 0x320),
            [0x5B5B, 0x0321, 0x0160, 0x5B5B, 0xFFFF, 0xFFFF],
            "This slab's free list: 0x240 → 0x160 → bump 0x321; link 0x3f0.",
        ),
        (
            Case(224, (0x240, 0x160), 1024, prev=0x12340),
            [0x5B5B, 0x2340, 0x0160, 0x5B5B, 0x5B5B, 0x5B5B],
            "This slab's free list: 0x240 → 0x160 → end mark 0x3ff; link 0x160; the slab is not the first on its list.",
        ),
        (
            Case(224, (0x160,), 1024, old_links=True),
            [0x0160, 0xFFFF, 0x0320, 0x0080, 0x5B5B, 0x5B5B],
            "This slab's free list: 0x160 → end mark 0x3ff; link 0x160.",
        ),
        (
            Case(224, (), 1024, last_node=0x160),
            [0x5B5B, 0x5B5B, 0x5B5B, 0x5B5B, 0x5B5B, 0x5B5B],
            "This slab is full, so head is the end mark 0x3ff; link 0x160 is an old value.",
        ),
    ],
    ids=["bump space", "behind another", "old links", "full"],
)
def test_a_slab_is_laid_out_as_its_case_states(case: Case, words: list[int], told: str) -> None:
    assert words_of(case.slab, 0x80, 0x160, 0x240, 0x320, 0x3F0, 0x3F8) == words
    assert case.words == told
    twice = case.larger(1)
    assert (twice.slab_size, twice.size, twice.free) == (2048, 448, [2 * each for each in case.free])
    assert twice.words.startswith("This slab has 0x800 bytes. It")
    assert len(twice.slab) == 2048


def test_a_slab_that_cannot_exist_is_no_case() -> None:
    assert Case(224, (0x240,), 0x320).free == [0x240, 0x320]
    with pytest.raises(ValueError, match=r"objects are at \['0x80', '0x160', '0x240', '0x320'\]"):
        Case(224, (0x200,), 0x320)
    with pytest.raises(ValueError, match="objects are at"):
        Case(224, (), 0x300)
