"""Steps: a recording shown one change at a time, as self-contained HTML (§2, Figures 1 to 3).

    recording ─► replica: the bytes at each event ─► pictures ─► frames ─► stepper ─► a page
                 event by event                       before, after         previous, next, play

    >>> stepper = step(recording, title="two objects")
    >>> stepper.save("two-objects.html")        a notebook that names it shows it

The law: a frame's picture is drawn from the bytes that the recording's stores make, so words,
source line and picture cannot disagree. Read ``film`` first. Left out: going back in the heap
itself; a stepper is a film of what happened.

Imported by: cli.

    frame, stepper, replica, film, script, found, look, figures
"""

from .figures import FIGURES, figure
from .film import Film, step
from .found import step_finding
from .frame import Frame
from .look import Look, look, look_at
from .replica import Replica
from .script import ScriptError, record_script
from .stepper import Stepper, page

__all__ = [
    "FIGURES",
    "Film",
    "Frame",
    "Look",
    "Replica",
    "ScriptError",
    "Stepper",
    "figure",
    "look",
    "look_at",
    "page",
    "record_script",
    "step",
    "step_finding",
]
