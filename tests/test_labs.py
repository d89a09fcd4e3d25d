"""The labs: each milestone refuses what is wrong by name, and accepts what is right, with every student's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pysnmalloc.labs.arc import LABS, MILESTONES, UnknownMilestone, milestone
from pysnmalloc.labs.checking import check
from pysnmalloc.labs.folder import NoFolder, find, start
from pysnmalloc.labs.variants import PAPER, SIZES, Variant, variant
from pysnmalloc.lesson.verdict import State, Verdict

from .answers import DEMANDED, Answer, Exercise, exercises_of

FOLDER: Final = Path(__file__).parent / "labs"
EXERCISES = [exercise for page in sorted(FOLDER.glob("lab*.md")) for exercise in exercises_of(page)]
WRONG = [answer for exercise in EXERCISES for answer in exercise.answers if not answer.right]
RIGHT = [answer for exercise in EXERCISES for answer in exercise.answers if answer.right]
SECRET: Final = b"a secret of 16 bytes, or more"
VARIANTS = {"paper": PAPER, "ada": variant(SECRET, "Ada"), "alan": variant(SECRET, "Alan")}


def verdict_on(folder: Path, name: str, source: str, numbers: Variant) -> Verdict:
    """Check a file that begins with a variant's constants."""
    file = folder / milestone(name).file
    head = "".join(f"{constant} = {value}\n" for constant, value in numbers.constants.items())
    file.write_text(head + source, encoding="utf-8")
    return check(file, name, numbers)


@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_version_is_refused_by_name(answer: Answer, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, answer.number, answer.source, PAPER)
    assert verdict.state is State.WRONG, f"{verdict}\n{answer.source}"
    missing = [words for words in answer.says if words not in verdict.words]
    assert not missing, f"the verdict does not say {missing}:\n{verdict}"


@pytest.mark.parametrize("numbers", VARIANTS)
@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_version_is_accepted(answer: Answer, numbers: str, tmp_path: Path) -> None:
    verdict = verdict_on(tmp_path, answer.number, answer.source, VARIANTS[numbers])
    assert verdict.right, f"{verdict}\n{answer.source}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.number)
def test_a_milestone_has_wrong_versions_of_every_kind_and_right_ones(exercise: Exercise) -> None:
    wrong = [answer for answer in exercise.answers if not answer.right]
    assert len(wrong) >= 10
    assert len(exercise.answers) - len(wrong) >= 3
    assert [kind for kind in DEMANDED if kind not in exercise.kinds and kind not in exercise.cannot] == []
    assert all(answer.says and answer.kinds for answer in wrong)


def test_every_milestone_is_tried() -> None:
    assert [exercise.number for exercise in EXERCISES] == list(MILESTONES)


@pytest.mark.parametrize("name", MILESTONES)
def test_a_stub_is_open(name: str, tmp_path: Path) -> None:
    folder = start(tmp_path, VARIANTS["ada"])
    verdict = check(folder.file(name), name, folder.variant)
    assert verdict.state is State.OPEN
    assert "in the place of `raise NotImplementedError`" in verdict.words


@pytest.mark.parametrize("answer", [each for each in RIGHT if each.number == "sizes"], ids=str)
def test_another_students_file_is_refused(answer: Answer, tmp_path: Path) -> None:
    mine, theirs = VARIANTS["ada"], VARIANTS["alan"]
    assert mine.mantissa_bits != theirs.mantissa_bits
    file = tmp_path / "sizes.py"
    file.write_text(f"MANTISSA_BITS = {theirs.mantissa_bits}\n{answer.source}", encoding="utf-8")
    assert check(file, "sizes", theirs).right
    verdict = check(file, "sizes", mine)
    assert verdict.state is State.WRONG
    assert f"With MANTISSA_BITS = {mine.mantissa_bits}" in verdict.words


def test_the_librarys_own_size_classes_pass_with_the_papers_numbers_only(tmp_path: Path) -> None:
    library = "from pysnmalloc.sizeclass import sizeclass_to_size as size_of\n"
    assert verdict_on(tmp_path, "sizes", library, PAPER).right
    assert not verdict_on(tmp_path, "sizes", library, VARIANTS["ada"]).right


# Variants.


def test_a_variant_follows_from_the_secret_and_the_name_alone() -> None:
    assert variant(SECRET, " ada ") == variant(SECRET, "ADA") == VARIANTS["ada"]
    assert variant(SECRET, "Ada") != variant(SECRET + b"!", "Ada")
    many = {variant(SECRET, f"student {number}") for number in range(500)}
    assert len(many) > 400
    assert PAPER not in many
    for each in many:
        assert sorted(each.fields) == sorted(SIZES)
        assert each.mantissa_bits != PAPER.mantissa_bits
        assert each.fields != PAPER.fields
        assert each.metadata_offset % 8 == 0
        offsets = [each.offset(field) for field in SIZES]
        assert [each.offset(field) % 2 for field in ("used", "head", "link")] == [0, 0, 0]
        ends = sorted(each.offset(field) + SIZES[field] for field in SIZES)
        assert sorted(offsets)[1:] == ends[:-1]
        assert ends[-1] == 8


@pytest.mark.parametrize(("secret", "name", "told"), [(b"short", "Ada", "16 bytes or more"), (SECRET, " ", "is empty")])
def test_a_variant_that_protects_nothing_is_refused(secret: bytes, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        variant(secret, name)


# Folders.


def test_a_folder_is_made_found_and_kept(tmp_path: Path) -> None:
    folder = start(tmp_path / "labs", VARIANTS["ada"])
    assert find(folder.file("sizes").parent) == folder
    text = folder.file("sizes").read_text(encoding="utf-8")
    assert f"MANTISSA_BITS = {folder.variant.mantissa_bits}\n" in text
    assert "$" not in "".join(file.read_text("utf-8") for file in folder.path.rglob("*.*") if file.is_file())
    folder.file("sizes").write_text("mine", encoding="utf-8")
    folder.file("layout").unlink()
    assert start(folder.path, folder.variant) == folder
    assert folder.file("sizes").read_text(encoding="utf-8") == "mine"
    assert "NotImplementedError" in folder.file("layout").read_text(encoding="utf-8")
    with pytest.raises(NoFolder, match="other numbers"):
        start(folder.path, VARIANTS["alan"])


def test_a_reset_loses_nothing(tmp_path: Path) -> None:
    folder = start(tmp_path)
    for text in ("first", "second"):
        folder.file("sizes").write_text(text, encoding="utf-8")
        assert folder.reset("sizes").read_text(encoding="utf-8") == text
    assert text not in folder.file("sizes").read_text(encoding="utf-8")
    assert sorted(file.read_text("utf-8") for file in folder.path.rglob("*.old")) == ["first", "second"]


def test_progress_is_a_text_file_that_may_be_damaged(tmp_path: Path) -> None:
    folder = start(tmp_path)
    assert folder.done() == []
    folder.note("layout")
    folder.note("sizes")
    folder.note("sizes")
    assert (tmp_path / "progress.txt").read_text(encoding="utf-8") == "layout\nsizes\n"
    with (tmp_path / "progress.txt").open("ab") as progress:
        progress.write(b"\xff\x00 nonsense\n")
    assert folder.done() == ["sizes", "layout"]
    following = folder.next()
    assert following is not None
    assert following.name == "classes"


@pytest.mark.parametrize(
    "text", ["", "fields = 3", "mantissa_bits = 2", "[", 'fields = ["used"]\nbatch = 3', "fields=[]\nx=1"]
)
def test_a_damaged_folder_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    with pytest.raises(NoFolder, match="is damaged"):
        find(tmp_path)


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoFolder, match="lab start"):
        find(tmp_path)


def test_a_milestone_goes_by_name() -> None:
    with pytest.raises(UnknownMilestone, match="did you mean “sizes”"):
        milestone("size")
    with pytest.raises(UnknownMilestone, match="The milestones are sizes, classes"):
        milestone("elephant")
    assert len(MILESTONES) == sum(len(lab.milestones) for lab in LABS)


# Files.


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"#" * 200_000, "a milestone takes fewer than 100,000"),
        (b"def f(:\n", "has a syntax error in line 1, `def f(:`"),
        (b"(" * 5000, "sizes.py"),
        (b"x = 1\x00", "sizes.py"),
    ],
)
def test_a_file_that_cannot_run_is_told(data: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "sizes.py"
    file.write_bytes(data)
    verdict = check(file, "sizes")
    assert verdict.state is State.WRONG
    assert told in verdict.words


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in check(tmp_path / "sizes.py", "sizes").words
