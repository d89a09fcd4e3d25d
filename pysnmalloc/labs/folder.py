"""A student's folder: the hand-out, the student's files, and what is done (§2.6).

    lab.toml          who, and the numbers of the variant
    progress.txt      the milestones that a check found right
    lab1/README.md    the page of the lab
    lab1/sizes.py     a milestone: the student's, from the first moment on

The hand-outs are the templates in ``handout``, in which ``$MANTISSA_BITS`` is a number of the variant. A file of
Python is kept there as text, so that nothing imports a stub by mistake.

The law: a file that exists is never overwritten. ``reset`` keeps the old file beside the new one.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from .arc import LABS, MILESTONES, Milestone, milestone
from .variants import PAPER, Variant

__all__ = ["Folder", "NoFolder", "find", "start"]

SETTINGS: Final = "lab.toml"
PROGRESS: Final = "progress.txt"


class NoFolder(Exception):
    """There is no folder of labs, or it is damaged. The message says what to do."""


@dataclass(frozen=True)
class Folder:
    """A student's folder.

    Attributes:
        path: where it is.
        variant: the numbers of its hand-outs.
    """

    path: Path
    variant: Variant

    def file(self, name: str) -> Path:
        """Return the file of a milestone.

        Raises:
            UnknownMilestone: if there is no such milestone.
        """
        wanted = milestone(name)
        number = next(lab.number for lab in LABS if wanted in lab.milestones)
        return self.path / f"lab{number}" / wanted.file

    def done(self) -> list[str]:
        """Return the milestones that are done, in the order of the arc. A line that is none is skipped."""
        try:
            lines = (self.path / PROGRESS).read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            return []
        return [name for name in MILESTONES if name in lines]

    def note(self, name: str) -> None:
        """Note that a milestone is done."""
        if name not in self.done():
            with (self.path / PROGRESS).open("a", encoding="utf-8") as progress:
                progress.write(f"{name}\n")

    def next(self) -> Milestone | None:
        """Return the first milestone that is not done, or None if all are."""
        done = self.done()
        return next((each for each in MILESTONES.values() if each.name not in done), None)

    def reset(self, name: str) -> Path:
        """Write the stub of a milestone anew, and return the name under which the old file is kept."""
        file = self.file(name)
        number = 1
        while (kept := file.with_suffix(f".{number}.old")).exists():
            number += 1
        if file.exists():
            file.rename(kept)
        _hand_out(self)
        return kept


def start(path: Path, variant: Variant = PAPER) -> Folder:
    """Make a student's folder, or add to it what is new, and return it. Files that exist stay as they are.

    Raises:
        NoFolder: if the folder is there already, with another variant.
    """
    path.mkdir(parents=True, exist_ok=True)
    settings = path / SETTINGS
    if settings.exists():
        folder = _read(settings)
        if folder.variant != variant:
            raise NoFolder(f"{path} has labs with other numbers already; choose another folder")
    else:
        lines = [f"{name} = {json.dumps(value)}" for name, value in asdict(variant).items()]
        settings.write_text("# The numbers of your labs. Do not change them.\n" + "\n".join(lines) + "\n", "utf-8")
        folder = Folder(path, variant)
    _hand_out(folder)
    return folder


def find(path: Path) -> Folder:
    """Return the folder of labs that a path is in.

    Raises:
        NoFolder: if it is in none.
    """
    for each in (path.resolve(), *path.resolve().parents):
        if (each / SETTINGS).exists():
            return _read(each / SETTINGS)
    raise NoFolder(f"{path} is in no folder of labs; `pysnmalloc lab start` makes one")


def _read(settings: Path) -> Folder:
    """Return the folder of its settings.

    Raises:
        NoFolder: if the settings are damaged.
    """
    try:
        values = tomllib.loads(settings.read_text(encoding="utf-8"))
        variant = Variant(**{**values, "fields": tuple(values["fields"])})
        variant.constants  # noqa: B018  # raises if a field is missing
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NoFolder(f"{settings} is damaged ({error}); get it again from where your labs came from") from None
    return Folder(settings.parent, variant)


def _hand_out(folder: Folder) -> None:
    """Write every file of the hand-outs that does not exist yet."""
    values = {**folder.variant.constants, "FIRST_SIZES": 2 ** (folder.variant.mantissa_bits + 1)}
    for lab in LABS:
        templates = resources.files(__package__) / "handout" / f"lab{lab.number}"
        target = folder.path / f"lab{lab.number}"
        target.mkdir(exist_ok=True)
        for template in sorted(templates.iterdir(), key=lambda each: each.name):
            file = target / template.name.removesuffix(".txt")
            if not file.exists():
                file.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
