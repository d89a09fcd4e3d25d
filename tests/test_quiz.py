"""The quiz: every answer against a student who reads the text only; the session; the command line."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from itertools import islice

import pytest
from typer.testing import CliRunner

from pysnmalloc.cli import app
from pysnmalloc.quiz import TOPICS, Form, NotANumber, Problem, Question, Topic, judge, parse_answer, questions, session
from pysnmalloc.quiz.question import Dice, mistakes
from tests.quiz_solver import SOLVERS, Sheet, solve

pytestmark = pytest.mark.same_everywhere

SEEDS = 200
NUMBERS = (1, 4, 7, 10, 13)  # one of each level
DIGEST = "d99db5252f7122f1"
"""Of 30 questions of each topic, whole; the same on every Python. Changes when a question's text does."""


def sheet(question: Question) -> Sheet:
    problem = question.problem
    return Sheet(question.topic.name, problem.setting, problem.state, problem.calls, problem.asked)


def some(topic: str) -> list[Question]:
    """Questions of all levels, of so many seeds."""
    return [TOPICS[topic].question(seed, NUMBERS[seed % len(NUMBERS)]) for seed in range(SEEDS)]


@pytest.mark.parametrize("topic", TOPICS)
class TestTopics:
    def test_a_student_who_reads_the_text_finds_the_answer(self, topic: str) -> None:
        for question in some(topic):
            assert solve(sheet(question)) == question.problem.answer, (question.seed, question.number)

    def test_a_mistake_is_never_the_answer_and_has_a_reason(self, topic: str) -> None:
        for question in some(topic):
            problem = question.problem
            assert not {problem.answer, *problem.also} & set(problem.mistakes)
            assert all(re.search(r"[.]$", why) for why in problem.mistakes.values())
            assert problem.steps
            assert judge(question, problem.write(problem.answer)).right

    def test_most_questions_know_some_mistakes(self, topic: str) -> None:
        known = [len(question.problem.mistakes) for question in some(topic)]
        assert min(known) >= 1
        assert sum(known) / len(known) > 2

    def test_questions_differ_and_later_ones_are_longer(self, topic: str) -> None:
        first = list(islice(questions(topic, 0), 15))
        assert len({(q.problem.state, q.problem.calls, q.problem.asked) for q in first}) >= 13
        assert questions(topic, 1).__next__().problem != first[0].problem
        easy, hard = (
            sum(len(" ".join(TOPICS[topic].question(seed, number).problem.steps)) for seed in range(60))
            for number in (1, 13)
        )
        assert hard > easy

    def test_answers_vary(self, topic: str) -> None:
        (_, most), *_ = Counter(question.problem.answer for question in some(topic)).most_common(1)
        assert most < SEEDS / 2

    def test_everything_fits_in_80_columns(self, topic: str) -> None:
        for question in some(topic):
            assert all(len(line) <= 76 for line in (*question.problem.state, *question.problem.calls))


def test_all_topics_have_a_solver() -> None:
    assert set(SOLVERS) == set(TOPICS)


def test_the_same_on_every_python() -> None:
    asked = [
        question.as_dict(answer=True, explain=True) for name in TOPICS for question in islice(questions(name, 7), 30)
    ]
    text = json.dumps(asked, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == DIGEST


def test_all_asks_the_topics_in_turn_as_each_would() -> None:
    mixed = list(islice(questions("all", 5), 14))
    assert [question.topic.name for question in mixed] == [*TOPICS, *TOPICS]
    assert mixed[8].problem == TOPICS["freelist"].question(5, 2).problem
    assert next(questions("all", 5, start=9)).problem == mixed[8].problem


class TestSolver:
    """That the student can be wrong: by a question that says something else, the answer changes."""

    def test_a_swapped_free_list_gives_another_answer(self) -> None:
        slab = Sheet(
            "freelist",
            "A slab of 1,024 bytes holds objects of 64 bytes.",
            ("head       0x0c0", "free list  0x0c0 -> 0x040 -> 0x181"),
            ("a = malloc(64)", "free(0x140)", "b = malloc(64)", "c = malloc(64)", "d = malloc(64)"),
            "What is the offset of d?",
        )
        assert solve(slab) == 0x180

    def test_the_figures_of_the_paper(self) -> None:
        """Eight chunks read L3 J0 J1 J1 J2 J2 J2 J2; the classes begin 16, 32, 48, 64, 80, ..."""
        state = ("chunk 16 has L(3)",)
        read = [solve(Sheet("pagemap", "", state, (), f"Chunk {c} has J(m). What is m?")) for c in range(17, 24)]
        assert read == [0, 1, 1, 2, 2, 2, 2]
        sizes = [
            solve(Sheet("sizeclass", "", (), (), f"How large are the objects of class {c}, in bytes?"))
            for c in range(8)
        ]
        assert sizes == [16, 32, 48, 64, 80, 96, 112, 128]


class TestDice:
    def test_only_documented_randomness(self) -> None:
        """``Random(text).random()`` is promised to stay; its first values, so that a change is seen here."""
        dice = Dice("freelist", 0, 1)
        assert [dice.below(1000) for _ in range(3)] == [39, 149, 631]

    def test_range(self) -> None:
        dice = Dice(1)
        assert {dice.between(3, 5) for _ in range(100)} == {3, 4, 5}
        assert sorted(dice.some([1, 2, 3], 3)) == [1, 2, 3]


def made(answer: int, form: Form = Form.OFFSET, also: tuple[int, ...] = ()) -> Question:
    known = mistakes(answer, (answer, "never"), (7, "first."), (7, "second."), (None, "not here."))
    problem = Problem(
        setting="s", asked="a", answer=answer, form=form, steps=("take 0x123", "0x124"), mistakes=known, also=also
    )
    topic = Topic("made", "made", "nothing", "§0", "none.py", lambda _dice, _level: problem)
    return topic.question(0, 1)


class TestSession:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("576", 576),
            (" 0x240 \n", 576),
            ("0X2_40", 576),
            ("1,024", 1024),
            ("1 024", 1024),
            ("0b11", 3),
            ("-1", -1),
            ("007", 7),
        ],
    )
    def test_numbers(self, text: str, value: int) -> None:
        assert parse_answer(text) == value

    @pytest.mark.parametrize("text", ["", "x", "0x", "12a", "1.5", "--1", "0xg", "²"])
    def test_no_numbers(self, text: str) -> None:
        with pytest.raises(NotANumber, match="is not a number; write 576, 0x240"):
            parse_answer(text)

    def test_mistakes_keep_the_first_reason(self) -> None:
        assert made(576).problem.mistakes == {7: "first."}

    def test_judging(self) -> None:
        question = made(576)
        assert judge(question, "0x240").right
        assert judge(question, "576").right
        assert (judge(question, "7").right, judge(question, "7").hint) == (False, "first.")
        assert judge(question, "8").hint == ""
        assert judge(question, "0x123").hint == "0x123 appears in step 1, but is not what the question asks for."
        assert judge(question, "0x12").hint == ""
        assert (judge(question, "240").right, judge(question, "240").hint[:10]) == (False, "Without 0x")
        assert (judge(made(576, Form.DECIMAL), "240").hint) == ""
        assert (judge(question, "?").right, judge(question, "x").given) == (False, None)
        assert "is not a number" in judge(question, "x").hint
        assert judge(made(1023, also=(-1,)), "-1").right

    def test_a_session_ends_with_the_answers(self) -> None:
        answers = iter(["576", "7", None, "576"])
        told: list[bool] = []
        score = session([made(576)] * 9, lambda _question: next(answers), lambda verdict: told.append(verdict.right))
        assert (score.asked, score.right, score.wrong, told) == (2, 1, 1, [True, False])


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return CliRunner()


def answers_of(topic: str, count: int, seed: int = 0) -> list[int]:
    return [question.problem.answer for question in islice(questions(topic, seed), count)]


def words(output: str) -> str:
    return " ".join(output.split())


class TestCommand:
    def test_without_a_topic_lists_them(self, runner: CliRunner) -> None:
        result = runner.invoke(app, ["quiz"])
        assert result.exit_code == 0
        assert all(topic.name in result.output and topic.section in result.output for topic in TOPICS.values())
        listed = json.loads(runner.invoke(app, ["quiz", "--json"]).output)
        assert [row["topic"] for row in listed["topics"]] == list(TOPICS)

    def test_a_sheet_has_no_answers(self, runner: CliRunner) -> None:
        result = runner.invoke(app, ["quiz", "superslab", "--count", "3"])
        assert result.exit_code == 0
        assert result.output.count("Answer: ?") == 3
        assert not re.search(r"Answer: \d", result.output)
        assert "Step by step" not in result.output

    def test_answers_and_explanations(self, runner: CliRunner) -> None:
        result = runner.invoke(app, ["quiz", "freelist", "--answers", "--seed", "4"])
        expected = [f"Answer: {answer:#05x}" for answer in answers_of("freelist", 3, 4)]
        assert re.findall(r"Answer: \w+", result.output)[:3] == expected
        assert result.output.count("Answer: ") == 5
        assert "Step by step" not in result.output
        explained = runner.invoke(app, ["quiz", "freelist", "--explain", "--count", "1", "--seed", "4"])
        assert "Step by step:" in explained.output
        assert "§2.8 and pysnmalloc/freelist.py" in explained.output

    @pytest.mark.parametrize("topic", TOPICS)
    def test_output_fits_and_ends_without_blanks(self, runner: CliRunner, topic: str) -> None:
        output = runner.invoke(app, ["quiz", topic, "--explain", "--count", "16"]).output
        assert max(map(len, output.splitlines())) <= 80
        assert not [line for line in output.splitlines() if line != line.rstrip()]
        assert "\x1b" not in output

    def test_right_answers_piped_in(self, runner: CliRunner) -> None:
        given = "\n".join(map(str, answers_of("queue", 4))) + "\n"
        result = runner.invoke(app, ["quiz", "queue"], input=given)
        assert (result.exit_code, result.output.count("Right.")) == (0, 4)
        assert "4 of 4 right." in result.output
        assert "pysnmalloc quiz queue --seed 0 --start 5" in words(result.output)

    def test_a_wrong_answer_is_explained(self, runner: CliRunner) -> None:
        question = next(questions("freelist", 0))
        wrong, why = next(iter(question.problem.mistakes.items()))
        result = runner.invoke(app, ["quiz", "freelist"], input=f"{wrong:#x}\n")
        assert result.exit_code == 1
        assert f"Wrong: the answer is {question.problem.answer:#05x}." in result.output
        assert why in words(result.output)
        assert "Step by step:" in result.output
        assert "0 of 1 right." in result.output

    def test_no_number_is_wrong_and_said_so(self, runner: CliRunner) -> None:
        result = runner.invoke(app, ["quiz", "freelist"], input="perhaps\n?\n")
        assert result.exit_code == 1
        assert "“perhaps” is not a number" in words(result.output)
        assert "0 of 2 right." in result.output

    def test_too_few_answers(self, runner: CliRunner) -> None:
        right = answers_of("sizeclass", 1)[0]
        result = runner.invoke(app, ["quiz", "sizeclass", "--check", "--count", "3"], input=f"{right}\n")
        assert result.exit_code == 1
        assert "1 of 1 right." in result.output
        assert "2 of 3 questions were not answered." in result.output

    def test_no_answers(self, runner: CliRunner) -> None:
        result = runner.invoke(app, ["quiz", "all"], input="")
        assert (result.exit_code, result.output.strip()) == (0, "No answers.")

    def test_json(self, runner: CliRunner) -> None:
        (bare,) = json.loads(runner.invoke(app, ["quiz", "radix", "--json", "--count", "1"]).output)["questions"]
        assert not {"answer", "steps", "mistakes"} & set(bare)
        (full,) = json.loads(runner.invoke(app, ["quiz", "radix", "--json", "--count", "1", "--explain"]).output)[
            "questions"
        ]
        assert full["answer"] == answers_of("radix", 1)[0]
        assert full["steps"]
        assert bare.items() <= full.items()
        checked = runner.invoke(app, ["quiz", "radix", "--json", "--check"], input=f"{full['answer']}\n-3\n")
        assert checked.exit_code == 1
        data = json.loads(checked.output)
        assert (data["asked"], data["right"]) == (2, 1)
        assert [each["right"] for each in data["questions"]] == [True, False]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["quiz", "freelits"], "did you mean “freelist”?"),
            (["quiz", "zzz"], "is not a topic. The topics are sizeclass"),
            (["quiz", "queue", "--check", "--answers"], "--check asks for answers"),
            (["quiz", "queue", "--count", "0"], "Invalid value for '--count'"),
            (["quiz", "queue", "--start", "0"], "Invalid value for '--start'"),
        ],
    )
    def test_bad_use(self, runner: CliRunner, arguments: list[str], said: str) -> None:
        result = runner.invoke(app, arguments)
        assert result.exit_code == 2
        assert said in words(re.sub("[│╭╮╰╯─]", " ", result.output))

    def test_on_a_terminal_asks_again_and_ends_politely(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        typed = iter(["", "x", str(answers_of("freelist", 1)[0]), "?"])

        def answer(prompt: str) -> str:
            assert "? shows it" in prompt
            try:
                return next(typed)
            except StopIteration:
                raise KeyboardInterrupt from None

        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        with pytest.raises(SystemExit) as left:
            app(["quiz", "freelist"], standalone_mode=True)
        output = capsys.readouterr().out
        assert left.value.code == 1
        assert output.count("is not a number") == 2
        assert "Right." in output
        assert "The answer is 0x" in output
        assert "1 of 2 right." in output
