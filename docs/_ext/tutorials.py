"""The notebooks of ``tutorials/``: pages of the site, downloads, and contents of the lab in the browser.

    tutorials/NN_name.md ──┬── docs/tutorials/NN_name.md       unchanged: Sphinx reads files in docs/ only
                           └── docs/_extra/notebooks/*.ipynb   plain Markdown, for Jupyter, VS Code and the lab

On its page, a tutorial has two links below its title, to run it in the browser and to download it. A notebook that
starts threads has ``threads: true`` in its front matter. Its page says that the browser shows recorded runs instead.
Notebooks are written after all pages have been read, because only then is it known where their links lead.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

import addresses
import jupytext
import nbformat
from myst_nb.sphinx_ import NbMetadataCollector
from plain import Link, plain
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
NOTEBOOK = re.compile(r"\d\d_\w+")
LAB = "../lite/notebooks/index.html"
SECONDS = 30  # the limit for one tutorial, from top to bottom
LOGGER = logging.getLogger(__name__)
NEEDS_THREADS = re.compile(r"^threads: true$", re.MULTILINE)


def needs_threads(text: str) -> bool:
    """Return whether a notebook's front matter says that it starts threads."""
    return NEEDS_THREADS.search(text.split("\n---\n", 1)[0]) is not None


def notebook(path: Path, link: Link) -> nbformat.NotebookNode:
    """Return a tutorial as a notebook without MyST markup, whose links lead where ``link`` says.

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
            cell.source = plain(cell.source, link)
        elif "remove-input" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
    found.cells = [cell for cell in found.cells if cell.source.strip()]
    found.nbformat, found.nbformat_minor = 4, 5
    return found


def copy_tutorials(app: Sphinx, _config: object) -> None:
    """Copy the tutorials into the source folder, and make the folder of the notebooks."""
    (Path(app.srcdir) / "_extra").mkdir(exist_ok=True)
    texts = {path.name: path.read_text(encoding="utf-8") for path in TUTORIALS.glob("*.md")}
    update(Path(app.srcdir) / "tutorials", texts)


def write_notebooks(app: Sphinx, _env: BuildEnvironment) -> None:
    """Write the notebooks, each with a link to the next one."""
    paths = sorted(path for path in TUTORIALS.glob("*.md") if NOTEBOOK.fullmatch(path.stem))
    texts: dict[str, str] = {}
    for path, after in zip_longest(paths, paths[1:]):
        found = notebook(path, addresses.links_of(app, f"tutorials/{path.stem}"))
        if after is not None:
            found.cells[-1].source += f"\n\n**Next:** [{title(after)}]({addresses.page(f'tutorials/{after.stem}')})"
        texts[f"{path.stem}.ipynb"] = nbformat.writes(found) + "\n"
    update(Path(app.srcdir) / "_extra" / "notebooks", texts)


def title(path: Path) -> str:
    """Return the title of a tutorial, with its number."""
    found = re.search(r"^# (\d+\. .+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ExtensionError(f"{path.name} has no title such as “# 0. Bytes and addresses”")
    return found[1]


def update(folder: Path, texts: dict[str, str]) -> None:
    """Let a folder hold these files only. Keep unchanged files as they are, so that they need not be read again."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file() and old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        target = folder / name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def add_links(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the links below the title of a tutorial's page. The notebook does not contain them."""
    folder, _, name = docname.rpartition("/")
    if docname == "tutorials/index":
        put_bar(source, f'<a class="launch-button" href="{LAB}?path=start.ipynb">Start in your browser</a>')
    if folder != "tutorials" or not NOTEBOOK.fullmatch(name):
        return
    run = f'<a class="launch-button" href="{LAB}?path={name}.ipynb">Run in your browser</a>'
    load = f'<a class="launch-button" href="../notebooks/{name}.ipynb" download>Download the notebook</a>'
    note = ""
    if needs_threads(source[0]):
        note = '<span class="launch-note">Threads run in Jupyter and VS Code. The browser shows recorded runs.</span>'
    put_bar(source, f"{run} {load} {note}")


def put_bar(source: list[str], links: str) -> None:
    """Put a bar with links below the title of a page."""
    bar = f'\n```{{raw}} html\n<p class="launch">{links}</p>\n```\n'
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
    app.connect("env-updated", write_notebooks, priority=900)  # after the bibliography has its labels
    return {"parallel_read_safe": True, "parallel_write_safe": True}
