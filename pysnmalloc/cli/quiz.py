"""``pysnmalloc quiz``: questions about the allocator's next step, asked, printed or checked."""

from __future__ import annotations

import difflib
import sys
import textwrap
from functools import partial
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import __version__
from ..quiz import ALL, GIVE_UP, TOPICS, NotANumber, Question, Score, Verdict, parse_answer, questions, session
from ..replay.report import WIDTH
from ..replay.tables import Records
from .common import FAILED
from .streams import print_json, say

__all__ = ["QUIZ_HELP", "quiz_command"]

QUIZ_HELP = (
    "Predict the next address, head, link, bucket or hop: endless questions, as in a paper homework.\n\n"
    "Without TOPIC, the command lists the topics; “all” takes them in turn. On a terminal, it asks questions and "
    "explains wrong answers; Ctrl-D ends the session. It checks piped answers, one per line, in the same way. With "
    "--count, --answers or --explain, it prints a sheet instead. Write numbers in decimal (576) or hexadecimal "
    "(0x240).\n\n"
    "Exit code 1: an answer was wrong or missing. Exit code 2: an option is invalid."
)
SHEET = 5  # questions on a sheet without --count


def _topic(name: str | None) -> str | None:
    """Refuse an unknown topic."""
    if name is None or name in TOPICS or name == ALL:
        return name
    near = difflib.get_close_matches(name.lower(), [*TOPICS, ALL], n=1, cutoff=0.5)
    meant = f"; did you mean “{near[0]}”?" if near else "."
    raise typer.BadParameter(f"“{name}” is not a topic{meant} The topics are {', '.join(TOPICS)} and {ALL}.")


def quiz_command(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[TOPIC]", callback=_topic, help="Topic of the questions.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the questions; each seed gives different ones.")] = 0,
    start: Annotated[int, typer.Option(min=1, help="Number of the first question; later ones are harder.")] = 1,
    count: Annotated[
        int | None, typer.Option(min=1, help="Print this many questions (with --check: ask them).", show_default=False)
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Print questions with their answers.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print answers with their steps and the section.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Ask and check, also with --count or --json.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Ask, print or check questions (see ``QUIZ_HELP``)."""
    if check and (answers or explain):
        raise typer.BadParameter("--check asks for answers, so it excludes --answers and --explain.")
    if topic is None:
        _print_topics(as_json)
        return
    asks = check or not (count or answers or explain or as_json)
    asked = islice(questions(topic, seed, start), count if count or asks else SHEET)
    if not asks and as_json:
        sheet = [question.as_dict(answer=answers or explain, explain=explain) for question in asked]
        print_json({"pysnmalloc": __version__, "questions": sheet})
    elif not asks:
        paper = _Paper()
        for question in asked:
            paper.show(question)
            paper.answer(question, known=answers or explain)
            if explain:
                paper.explain(question)
    else:
        score = _ask_json(asked) if as_json else _ask(asked, topic, seed, start)
        unanswered = (count or 0) - score.asked
        if unanswered > 0:
            say(f"{unanswered} of {count} questions were not answered.", error=True)
        if score.wrong or unanswered > 0:
            raise typer.Exit(FAILED)


def _ask(asked: islice[Question], topic: str, seed: int, start: int) -> Score:
    """Ask the questions, report each verdict, and print the score."""
    paper = _Paper()
    score = session(asked, paper.ask, paper.tell)
    paper.line()
    if not score.asked:
        paper.line("No answers.")
        return score
    paper.line(f"{score.right} of {score.asked} right.", style="bold")
    after = f"--seed {seed} --start {start + score.asked}"
    paper.line(f"To continue: pysnmalloc quiz {topic} {after}", style="dim")
    return score


def _ask_json(asked: islice[Question]) -> Score:
    """Check the answers on standard input, and print the verdicts."""
    verdicts: list[Verdict] = []
    score = session(asked, lambda _question: _read(""), verdicts.append)
    data = {
        "pysnmalloc": __version__,
        "asked": score.asked,
        "right": score.right,
        "questions": [verdict.as_dict() for verdict in verdicts],
    }
    print_json(data)
    return score


def _read(prompt: str) -> str | None:
    """Read an answer; None at the end of the input or on Ctrl-C."""
    try:
        if sys.stdin.isatty():
            return input(prompt)
        return sys.stdin.readline() or None
    except (EOFError, KeyboardInterrupt):
        return None


def _print_topics(as_json: bool) -> None:
    """List the topics."""
    if as_json:
        rows = [
            {"topic": t.name, "title": t.title, "predict": t.predicts, "section": t.section} for t in TOPICS.values()
        ]
        print_json({"pysnmalloc": __version__, "topics": rows})
        return
    paper = _Paper()
    table = Records("topic", "predict", "section", words=(1, 2))
    for topic in TOPICS.values():
        table.add_row(Text(topic.name, style="bold"), topic.predicts, topic.section)
    table.add_row(Text(ALL, style="bold"), "all topics in turn", "")
    paper.console.print(table, crop=False)
    paper.line()
    paper.line("To answer questions: pysnmalloc quiz freelist. To print a sheet, add --count 5.")


class _Paper:
    """Questions in a terminal of 80 columns, readable without colour."""

    def __init__(self) -> None:
        wide = Console(highlight=False)
        self.console = Console(highlight=False, width=min(wide.width, WIDTH))

    def line(self, text: str = "", *, indent: int = 0, style: str = "") -> None:
        """Print a paragraph, wrapped."""
        self._wrapped(text, " " * indent, " " * indent, style)

    def heading(self, text: str) -> None:
        """Print a heading with a rule behind it, if there is room for one."""
        room = self.console.width - len(text) - 1
        self.line(f"{text} {'─' * room}" if room > 0 else text, style="dim")

    def step(self, number: int, text: str) -> None:
        """Print a step of an explanation with its lines aligned."""
        self._wrapped(text, f"{number:5}. ", " " * 7)

    def _wrapped(self, text: str, first: str, later: str, style: str = "") -> None:
        """Print a paragraph without trailing blanks."""
        wrap = partial(textwrap.wrap, width=self.console.width, break_on_hyphens=False, break_long_words=False)
        lines = wrap(text, initial_indent=first, subsequent_indent=later)
        self.console.print(Text("\n".join(lines), style=style), soft_wrap=True)

    def verbatim(self, lines: tuple[str, ...]) -> None:
        """Print lines of a state, or calls, verbatim."""
        if lines:
            self.line()
            self.console.print(Text("\n".join(f"    {line}" for line in lines), style="cyan"), soft_wrap=True)

    def show(self, question: Question) -> None:
        """Print a question."""
        problem, topic = question.problem, question.topic
        self.line()
        self.heading(f"{topic.title}, question {question.number}")
        self.line(problem.setting, indent=2)
        self.verbatim(problem.state)
        self.verbatim(problem.calls)
        self.line()
        self.line(problem.asked, indent=2, style="bold")

    def answer(self, question: Question, *, known: bool) -> None:
        """Print the answer, or a placeholder."""
        problem = question.problem
        self.line(f"Answer: {problem.write(problem.answer) if known else '?'}", indent=2)

    def ask(self, question: Question) -> str | None:
        """Ask a question; on a terminal, repeat the prompt until the answer is a number."""
        if not sys.stdin.isatty():
            text = _read("")
            if text is not None:
                self.show(question)
                self.line(f"Answer: {text.strip()}", indent=2)
            return text
        self.show(question)
        while True:
            text = _read(f"  Answer ({GIVE_UP} shows it): ")
            try:
                if text is not None and text.strip() != GIVE_UP:
                    parse_answer(text)
                return text
            except NotANumber as not_a_number:
                self.line(f"{not_a_number}.", indent=2, style="yellow")

    def tell(self, verdict: Verdict) -> None:
        """Report a verdict, and explain a wrong answer."""
        problem = verdict.question.problem
        if verdict.right:
            self.line("Right.", indent=2, style="green")
            return
        opening = "The" if verdict.text == GIVE_UP else "Wrong: the"
        self.line(f"{opening} answer is {problem.write(problem.answer)}.", indent=2, style="red")
        if verdict.hint:
            self.line(verdict.hint, indent=2, style="yellow")
        self.explain(verdict.question)

    def explain(self, question: Question) -> None:
        """Print the steps to the answer and the references."""
        self.line("Step by step:", indent=2)
        for number, step in enumerate(question.problem.steps, 1):
            self.step(number, step)
        self.line(f"See the paper's {question.section} and pysnmalloc/{question.topic.module}.", indent=2, style="dim")
