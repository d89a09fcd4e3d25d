"""The explorer."""

from .explorer import explore, replay, tell
from .finding import Finding, Step
from .result import Result
from .scenario import Place, Scenario, Wrong
