"""What students answer: each wrong answer is refused in words that name its fault, and each right one is accepted.

``--hundred-times`` accepts each right answer a hundred times while other processes keep the machine busy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pysnmalloc.lesson import Verdict, check
from pysnmalloc.lesson.verdict import State

from .answers import DEMANDED, KINDS, Answer, Exercise, exercises_of, pages
from .test_tutorial_answers import TUTORIALS, exercises

EXERCISES = [exercise for page in pages() for exercise in exercises_of(page)]
WRONG = [answer for exercise in EXERCISES for answer in exercise.answers if not answer.right]
RIGHT = [answer for exercise in EXERCISES for answer in exercise.answers if answer.right]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Answers may write files; none of this may change what traces the tests."""
    monkeypatch.chdir(tmp_path)
    traced = sys.gettrace()
    yield
    assert sys.gettrace() is traced


@pytest.mark.same_everywhere
@pytest.mark.parametrize("answer", WRONG, ids=str)
def test_a_wrong_answer_is_refused_by_name(answer: Answer) -> None:
    verdict = check(answer.number, answer.run())
    assert verdict.state is State.WRONG, f"{verdict}\n{answer.source}"
    missing = [words for words in answer.says if words not in verdict.words]
    assert not missing, f"the verdict does not say {missing}:\n{verdict}\n{answer.source}"
    assert "the check cannot go on" not in verdict.words, verdict
    if verdict.case is not None:
        assert verdict.case.arguments is not None
        assert repr(verdict.case).startswith(f"{verdict.case.name}(")


@pytest.mark.same_everywhere
@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_a_right_answer_is_accepted(answer: Answer) -> None:
    assert [_refused(answer) for _ in range(2)] == ["", ""]


@pytest.fixture(scope="module")
def busy() -> Iterator[None]:
    """Keep the machine busy with twice as many processes as it has cores."""
    forever = [sys.executable, "-c", "while True: pass"]
    load = [subprocess.Popen(forever) for _ in range(2 * (os.cpu_count() or 1))]
    yield
    for process in load:
        process.kill()
        process.wait()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Without ``--hundred-times``, the machine is busy for answers with threads only, three times each."""
    if "under_load" in metafunc.fixturenames:
        every = metafunc.config.getoption("--hundred-times")
        metafunc.parametrize(
            ("under_load", "times"),
            [(answer, 100 if every else 3) for answer in RIGHT if every or answer.number.startswith("9.")],
            ids=str,
        )


@pytest.mark.usefixtures("busy")
def test_a_right_answer_is_accepted_each_time_under_load(under_load: Answer, times: int) -> None:
    refused = [told for told in (_refused(under_load) for _ in range(times)) if told]
    assert not refused, f"{len(refused)} times:\n{refused[0]}"


def _refused(answer: Answer) -> str:
    """Return why an answer was not accepted, or nothing."""
    verdict: Verdict = check(answer.number, answer.run())
    return "" if verdict.right else f"{verdict}\n{answer.source}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.number)
def test_an_exercise_has_wrong_answers_of_every_kind_and_right_ones(exercise: Exercise) -> None:
    wrong = [answer for answer in exercise.answers if not answer.right]
    assert len(wrong) >= 10
    assert len(exercise.answers) - len(wrong) >= 3
    assert exercise.kinds <= KINDS
    assert [kind for kind in DEMANDED if kind not in exercise.kinds and kind not in exercise.cannot] == []
    assert [kind for kind in exercise.cannot if kind in exercise.kinds] == [], "it applies after all"
    for answer in wrong:
        assert answer.kinds, f"{answer} has no kind"
        assert answer.says, f"{answer} does not say how it is refused"
        assert all(len(words) >= 6 for words in answer.says), f"{answer} is refused in words that say little"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_pages_have_the_exercises_of_the_tutorials(path: Path) -> None:
    page = next((page for page in pages() if page.stem == path.stem[:2]), None)
    if page is None:
        pytest.skip("no answers yet")
    asked = [(each.number, each.name) for each in exercises(path.read_text(encoding="utf-8"))]
    assert [(each.number, each.name) for each in exercises_of(page)] == asked
