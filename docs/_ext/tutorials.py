"""The notebooks of ``tutorials/``: pages of the site, downloads, and contents of the lab in the browser.

    tutorials/NN_name.md ──┬── docs/tutorials/NN_name.md       unchanged: Sphinx reads files in docs/ only
                           └── docs/_extra/notebooks/*.ipynb   plain Markdown, for Jupyter, VS Code and the lab

On its page, a tutorial has two links below its title, to run it in the browser and to download it. A notebook that
starts threads has ``threads: true`` in its front matter. Its page says that the browser shows recorded runs instead.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
from myst_nb.sphinx_ import NbMetadataCollector
from plain import plain
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
NOTEBOOK = re.compile(r"\d\d_\w+")
SECONDS = 30  # the limit for one tutorial, from top to bottom
LOGGER = logging.getLogger(__name__)
NEEDS_THREADS = re.compile(r"^threads: true$", re.MULTILINE)


def needs_threads(text: str) -> bool:
    """Return whether a notebook's front matter says that it starts threads."""
    return NEEDS_THREADS.search(text.split("\n---\n", 1)[0]) is not None


def notebook(path: Path) -> nbformat.NotebookNode:
    """Return a tutorial as a notebook without MyST markup.

    Raises:
        ExtensionError: if its front matter names no kernel, so that it would not be executed.
    """
    found = jupytext.read(path)
    if "kernelspec" not in found.metadata:
        raise ExtensionError(f"{path.name} has no kernelspec in its front matter; copy one from another tutorial")
    found.metadata = nbformat.from_dict({"kernelspec": found.metadata["kernelspec"]})
    for number, cell in enumerate(found.cells):
        cell["id"] = f"cell-{number}"  # the same in every build
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        elif "remove-input" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
    found.cells = [cell for cell in found.cells if cell.source.strip()]
    found.nbformat, found.nbformat_minor = 4, 5
    return found


def copy_tutorials(app: Sphinx, _config: object) -> None:
    """Copy the tutorials into the source folder, and write the notebooks. Keep unchanged files as they are."""
    pages, extra = Path(app.srcdir) / "tutorials", Path(app.srcdir) / "_extra" / "notebooks"
    for folder in (pages, extra):
        folder.mkdir(parents=True, exist_ok=True)
    wanted: dict[Path, str] = {}
    for path in sorted(TUTORIALS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        wanted[pages / path.name] = text
        if NOTEBOOK.fullmatch(path.stem):
            wanted[extra / f"{path.stem}.ipynb"] = nbformat.writes(notebook(path)) + "\n"
    for old in {*pages.glob("*.md"), *extra.glob("*.ipynb")} - set(wanted):
        old.unlink()
    for target, text in wanted.items():
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def add_links(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the links below the title of a tutorial's page. The notebook does not contain them."""
    folder, _, name = docname.rpartition("/")
    if folder != "tutorials" or not NOTEBOOK.fullmatch(name):
        return
    run = f'<a class="launch-button" href="../lite/notebooks/index.html?path={name}.ipynb">Run in your browser</a>'
    load = f'<a class="launch-button" href="../notebooks/{name}.ipynb" download>Download the notebook</a>'
    note = ""
    if needs_threads(source[0]):
        note = '<span class="launch-note">Threads run in Jupyter and VS Code. The browser shows recorded runs.</span>'
    bar = f'\n```{{raw}} html\n<p class="launch">{run} {load} {note}</p>\n```\n'
    source[0] = re.sub(r"^# .*\n", lambda title: title[0] + bar, source[0], count=1, flags=re.MULTILINE)


def time_notebooks(_app: Sphinx, env: BuildEnvironment) -> None:
    """Log the time of each tutorial. A tutorial over the limit is a warning, which ends a strict build."""
    for docname in sorted(env.found_docs):
        run = NbMetadataCollector.get_exec_data(env, docname) if docname.startswith("tutorials/") else None
        if run is None or run["runtime"] is None:
            continue
        LOGGER.info("%s ran for %.1f s", docname, run["runtime"])
        if run["runtime"] > SECONDS:
            LOGGER.warning("ran for %.1f s; the limit is %d s", run["runtime"], SECONDS, location=docname)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hooks."""
    app.connect("config-inited", copy_tutorials)
    app.connect("source-read", add_links)
    app.connect("env-updated", time_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
