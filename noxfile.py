"""The project's tasks; `nox --list` shows them, CONTRIBUTING.md explains them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["tests", "types", "lint"]
nox.options.error_on_missing_interpreters = False
nox.options.default_venv_backend = "venv"

VERSIONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
FREE_THREADED = ["3.13t", "3.14t", "3.15t"]


def free_threaded(version: str) -> str:
    """Return the version, or the path of the interpreter that .ci/python3.13t built if none is on PATH."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = f"python{version}"
    kept = Path(os.environ.get("PYSNMALLOC_CACHE") or caches / "pysnmalloc") / name / "bin" / name
    return str(kept) if shutil.which(name) is None and kept.exists() else version


INTERPRETERS = [*VERSIONS, *map(free_threaded, FREE_THREADED)]


@nox.session(python=INTERPRETERS)
def tests(session: nox.Session) -> None:
    """Run the suite on every interpreter found."""
    # Wheels only: newer versions of these have compiled parts, and no wheel for every interpreter.
    session.install("--only-binary", "hypothesis,pydantic-core", "-e", ".[test]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def dask(session: nox.Session) -> None:
    """Explore on a real Dask cluster, on this machine."""
    session.install("-e", ".[test,dask]")
    session.run("python", "-c", "import distributed")  # so that the test cannot be skipped
    session.run("pytest", "tests/test_explore_dask.py", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check all types."""
    session.install("-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the core in one line, many times; the suite must notice each time."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session(python=INTERPRETERS)
def bench(session: nox.Session) -> None:
    """Measure, ratios in one process; `-- --write` puts the figures into BENCHMARKS.md."""
    session.install("--only-binary", "pydantic-core", "-e", ".")
    # Compiled ahead: on free-threaded Python, constants of code compiled from source are shared by threads.
    session.run("python", "-m", "compileall", "-q", "pysnmalloc", "tests/bench", env={"PYTHONDONTWRITEBYTECODE": ""})
    session.run("python", "-m", "tests.bench", *session.posargs, env={"PYTHONDONTWRITEBYTECODE": ""})


SITE = "docs/_build/html"
WRITTEN_BY_BUILDS = r"docs/(_build|_extra|_generated|source|tutorials|reference/api)(/|$)|__pycache__|/\."
SPHINX = ("-d", "docs/_build/doctrees", "-b", "html")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the book: the site, every tutorial run, and the lab that runs them in a browser. Needs npm."""
    session.install("-e", ".[docs]")
    # All anew: a notebook whose text is as before may show other things when the package has changed.
    session.run("sphinx-build", "-W", "--keep-going", "-E", "-j", "auto", *SPHINX, "docs", SITE, *session.posargs)
    session.run("python", "docs/lite/build.py", SITE)


@nox.session(name="docs-tests")
def docs_tests(session: nox.Session) -> None:
    """Test the book that `docs` built, in Chromium; `-- -m ''` runs every tutorial in the lab, which takes minutes."""
    session.install("-e", ".[docs]")
    session.run("pytest", "docs/tests", "--demand-browser", "-m", "not whole_lab", *session.posargs)


@nox.session(name="docs-live")
def docs_live(session: nox.Session) -> None:
    """Serve the book, and build it anew when a page changes."""
    session.install("-e", ".[docs]", "sphinx-autobuild>=2024.4")
    watched = ("--watch", "tutorials", "--watch", "pysnmalloc", "--re-ignore", WRITTEN_BY_BUILDS)
    session.run("sphinx-autobuild", *watched, "-j", "auto", *SPHINX, "docs", SITE, *session.posargs)
