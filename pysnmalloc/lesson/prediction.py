"""A prediction: a question to answer before the code is run (§2).

    ┌ Predict ─────────────────────────────┐
    │ How many bytes does malloc(100) take? │     a choice reveals whether it is right, and why
    │ ( ) 100   ( ) 112   ( ) 128           │
    └───────────────────────────────────────┘

It is HTML without a script, so it works in Jupyter, in VS Code, in the browser and on
the site. Without HTML, it is text without the answer, which the next cell shows. It
neither counts nor stores anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape

__all__ = ["Prediction", "predict"]

STYLE = (
    ".snm-predict{border:1px solid currentColor;border-radius:6px;padding:.5em 1em;margin:.5em 0;color:inherit}"
    ".snm-predict legend{font-weight:600;padding:0 .4em}"
    ".snm-predict label{display:block;padding:.25em 0;cursor:pointer}"
    ".snm-predict input{margin-right:.6em}.snm-predict .snm-told{display:none;margin:.2em 0 .4em 1.8em}"
    ".snm-predict label:has(:checked)+.snm-told{display:block}"
)


@dataclass(frozen=True)
class Prediction:
    """A question, its choices, and an explanation of each choice.

    Attributes:
        question: the question, as plain text.
        choices: the choices in the order shown, each with the explanation that it reveals.
        right: the right choice.

    Raises:
        ValueError: if there are fewer than two choices, or if none of them is right.
    """

    question: str
    choices: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        """Reject a question that cannot be asked."""
        if len(self.choices) < 2:
            raise ValueError(f"predict({self.question!r}): there must be at least two choices")
        if self.right not in self.choices:
            choices = ", ".join(map(repr, self.choices))
            raise ValueError(f"predict({self.question!r}): {self.right!r} is right, but the choices are {choices}")

    def __repr__(self) -> str:
        lines = [f"  ( ) {choice}" for choice in self.choices]
        return "\n".join([f"Predict: {self.question}", *lines, "Choose one, then run the next cell."])

    def _repr_html_(self) -> str:
        """Show the question in a notebook."""
        name = "predict-" + sha256(self.question.encode()).hexdigest()[:8]
        choices = "".join(self._choice(name, choice, told) for choice, told in self.choices.items())
        return (
            f"<style>{STYLE}</style><fieldset class='snm-predict'><legend>Predict</legend>"
            f"<p>{escape(self.question)}</p>{choices}</fieldset>"
        )

    def _choice(self, name: str, choice: str, told: str) -> str:
        """Return one choice with the explanation that it reveals."""
        word = "✔ Yes." if choice == self.right else "✘ No."
        return (
            f"<label><input type='radio' name='{name}'>{escape(choice)}</label>"
            f"<p class='snm-told' role='status'><strong>{word}</strong> {escape(told)}</p>"
        )


def predict(question: str, choices: Mapping[str, str], *, right: object) -> Prediction:
    """Ask something before the code shows it.

    Args:
        question: the question.
        choices: each choice with the explanation that it reveals: why it is right, or what it overlooks.
        right: the right choice. Pass the value that the code computes, so that the question stays correct.
    """
    return Prediction(question, choices, str(right))
