"""The lab: tutorials run in a real browser, by Python in WebAssembly, all of it from the site.

Three run each time, the others with the marker ``whole_lab``: ``nox -s docs-tests -- -m ""``.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import nbformat
import pytest

from tests.browser import Browser

from .conftest import ROOT
from .reader import soon, until, visit

pytestmark = pytest.mark.browser

ALWAYS = ("00_", "05_", "10_")  # the first, the one with the explorer, the one with the largest heaps
TUTORIALS = sorted(ROOT.glob("tutorials/[0-9][0-9]_*.md"))
RUN = [
    pytest.param(path, id=path.stem, marks=() if path.name.startswith(ALWAYS) else pytest.mark.whole_lab)
    for path in TUTORIALS
]
START = (ROOT / "docs" / "lite" / "start.md").read_text(encoding="utf-8")
CHECK = re.compile(r"^check\(", re.MULTILINE)
NOTEBOOK = "window.jupyterapp.shell.currentWidget.content"
CELLS = f"[...{NOTEBOOK}.model.cells].filter(cell => cell.type === 'code')"
FIRST = f"[...{NOTEBOOK}.model.cells].findIndex(cell => cell.type === 'code')"
KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"


@pytest.fixture
def browser(browser: Browser, address: str) -> Browser:
    """A browser that has kept nothing of the lab."""
    browser.call("Storage.clearDataForOrigin", origin=address.rstrip("/"), storageTypes="all")
    return browser


def show(browser: Browser, address: str, name: str) -> None:
    """Open a notebook, and wait until its cells are there and changes count."""
    visit(browser, f"{address}lite/notebooks/index.html?path={name}")
    until(browser, "return window.jupyterapp?.shell?.currentWidget?.context?.isReady")
    browser.evaluate("jupyterapp.shell.currentWidget.context.ready.then(() => 1)")


def open_notebook(browser: Browser, address: str, name: str) -> None:
    """Open a notebook, and wait until its kernel has started."""
    show(browser, address, name)
    until(browser, f"return {KERNEL} === 'idle'")


def run_cells(browser: Browser) -> None:
    """Run the notebook from top to bottom; this ends when all cells have run, or one has failed."""
    browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
    until(browser, f"return {KERNEL} === 'idle'")


def run_first(browser: Browser, source: str) -> str:
    """Write code into the first cell of code, run that cell, and return its outputs as JSON."""
    write(browser, source)
    browser.evaluate(f"{NOTEBOOK}.activeCellIndex = {FIRST}")
    browser.evaluate("jupyterapp.commands.execute('notebook:run-cell').then(() => 1)")
    return outputs(browser, 0)


def write(browser: Browser, source: str, index: int = 0) -> None:
    """Replace the source of a cell of code."""
    browser.evaluate(f"{CELLS}.at({index}).sharedModel.setSource({json.dumps(source)}); 1")


def outputs(browser: Browser, index: int) -> str:
    """Return the outputs of a cell of code as JSON."""
    return str(browser.evaluate(f"JSON.stringify({CELLS}.at({index}).outputs.toJSON())"))


def run_all(browser: Browser, address: str, notebook: str) -> list[list[dict[str, object]]]:
    """Open a notebook, run it from top to bottom, and return each cell's outputs."""
    open_notebook(browser, address, notebook)
    run_cells(browser)
    found = browser.evaluate(f"JSON.stringify({CELLS}.map(cell => [cell.executionCount, cell.outputs.toJSON()]))")
    cells = json.loads(str(found))
    failed = [output for _, outputs in cells for output in outputs if output["output_type"] == "error"]
    assert failed == []
    assert [number for number, _ in cells] == list(range(1, len(cells) + 1)), "all cells ran, in order"
    return [outputs for _, outputs in cells]


@pytest.mark.parametrize("tutorial", RUN)
@pytest.mark.usefixtures("lab")
def test_a_tutorial_runs_and_asks_nobody_else(
    browser: Browser, address: str, tutorial: Path, elsewhere: list[str]
) -> None:
    text = tutorial.read_text(encoding="utf-8")
    cells = run_all(browser, address, f"{tutorial.stem}.ipynb")
    assert len(cells) == text.count("\n```{code-cell} python")
    everything = json.dumps(cells, ensure_ascii=False)
    assert everything.count("data-state='open'") == len(CHECK.findall(text)) >= 2, "each exercise says: not yet"
    assert sum(bool(outputs) for outputs in cells) > len(cells) / 3
    assert elsewhere == []
    if tutorial.name.startswith("00_"):
        assert "AssertionError: head was 0x40, and is 0x0" in everything, (
            "the broken version fails, and the rest goes on"
        )
        assert everything.count("<svg") >= 2


@pytest.mark.usefixtures("lab")
def test_an_answer_is_judged(browser: Browser, address: str) -> None:
    """What a student writes into a cell is run, and the check says what is wrong, and then that it is right."""
    run_all(browser, address, "00_bytes_and_addresses.ipynb")
    right = "sum(data[address + index] << 8 * index for index in range(8))"
    for body, state in (("data[address]", "wrong"), (right, "right")):
        write(browser, f"check('0.1', lambda data, address: {body})", -1)
        run_cells(browser)
        assert f"data-state='{state}'" in outputs(browser, -1)


@pytest.mark.usefixtures("lab")
def test_an_answer_survives_a_reload(browser: Browser, address: str) -> None:
    show(browser, address, "00_bytes_and_addresses.ipynb")
    browser.evaluate(f"{NOTEBOOK}.activeCellIndex = {FIRST}; {NOTEBOOK}.mode = 'edit'")
    until(browser, "return document.activeElement.matches('.cm-content')")
    browser.call("Input.insertText", text="# my answer ")
    until(browser, f"return {CELLS}[0].sharedModel.getSource().includes('my answer')")
    assert soon(browser, "!jupyterapp.shell.currentWidget.context.model.dirty"), (
        "by itself, the lab saves in two minutes"
    )
    show(browser, address, "00_bytes_and_addresses.ipynb")
    assert "# my answer " in str(browser.evaluate(f"{CELLS}[0].sharedModel.getSource()"))
    # As a reader does who starts over: the lab then reads the site's notebook.
    browser.evaluate("jupyterapp.serviceManager.contents.delete('00_bytes_and_addresses.ipynb').then(() => 1)")
    show(browser, address, "00_bytes_and_addresses.ipynb")
    assert str(browser.evaluate(f"{CELLS}[0].sharedModel.getSource()")).startswith("import pysnmalloc")


@pytest.mark.usefixtures("lab")
def test_the_list_of_files_has_the_notebooks(browser: Browser, address: str) -> None:
    assert "https://site.invalid/lite/lab/index.html" in START
    visit(browser, f"{address}lite/lab/index.html")
    names = "[...document.querySelectorAll('.jp-DirListing-itemName')].map(item => item.innerText.trim())"
    assert soon(browser, f"{names}.includes('00_bytes_and_addresses.ipynb')")


@pytest.mark.usefixtures("lab")
def test_the_start_shows_what_is_done_also_after_a_reload(browser: Browser, address: str) -> None:
    open_notebook(browser, address, "00_bytes_and_addresses.ipynb")
    right = "lambda data, address: int.from_bytes(data[address:address + 8], 'little')"
    assert "Right" in run_first(browser, f"from pysnmalloc.lesson import check\ncheck('0.1', {right})")
    for _ in range(2):
        open_notebook(browser, address, "start.ipynb")
        run_cells(browser)
        assert "Exercises done: 1 of 36. Next: 0.2" in outputs(browser, 0)
        row = until(browser, "return document.querySelector('.snm-progress tbody tr')?.innerText")
        assert [" ".join(cell.split()) for cell in str(row).split("\t")[:3]] == [
            "0. Bytes and addresses",
            f"0.1 A word at any address ✔ done {date.today().isoformat()}",
            "0.2 Where an address is … open",
        ]


@pytest.mark.usefixtures("lab")
def test_a_restart_ends_a_cell_that_runs_for_ever(browser: Browser, address: str) -> None:
    open_notebook(browser, address, "start.ipynb")
    for command, words in (("restart", "Restart Kernel…"), ("interrupt", "Interrupt Kernel")):
        assert browser.evaluate(f"jupyterapp.commands.label('kernelmenu:{command}')") == words
        assert f"*{words}*" in START.replace("*Kernel → ", "*")
    write(browser, "while True: pass")
    browser.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    until(browser, f"return {KERNEL} === 'busy'")
    browser.evaluate("void jupyterapp.commands.execute('kernelmenu:restart')")
    # After a click of the mouse, Chromium would ask “Leave site?” before it leaves a notebook that is not saved yet.
    until(browser, "const yes = document.querySelector('.jp-Dialog .jp-mod-accept'); yes?.click(); return !!yes")
    assert soon(browser, f"{KERNEL} === 'idle'", seconds=300), "the cell still runs"
    assert "'42'" in run_first(browser, "str(6 * 7)")


@pytest.mark.usefixtures("lab")
def test_the_lab_is_as_dark_as_the_system(browser: Browser, address: str) -> None:
    try:
        for scheme, light in (("dark", "false"), ("light", "true"), ("dark", "false")):
            browser.prefer(scheme)
            if light == "false":
                show(browser, address, "start.ipynb")
            assert soon(browser, f"document.body.dataset.jpThemeLight === '{light}'"), scheme
            colour = browser.evaluate("getComputedStyle(document.body).getPropertyValue('--jp-layout-color0')")
            assert (colour == "white") == (light == "true"), colour
    finally:
        browser.prefer("")


@pytest.mark.usefixtures("lab")
def test_a_link_of_a_notebook_leads_to_the_site(browser: Browser, address: str) -> None:
    show(browser, address, "00_bytes_and_addresses.ipynb")
    link = str(until(browser, "return document.querySelector('.jp-RenderedMarkdown a[href*=glossary]')?.href"))
    assert link == f"{address}glossary.html#term-address"
    visit(browser, link)
    assert browser.evaluate("document.querySelector(':target').textContent") == "address¶"
    show(browser, address, "00_bytes_and_addresses.ipynb")
    notebook = f"{address}lite/notebooks/index.html?path=01_size_classes.ipynb"
    after = f"[...document.querySelectorAll('.jp-RenderedMarkdown a')].some(a => a.href === '{notebook}')"
    browser.evaluate(f"{NOTEBOOK}.scrollToItem({NOTEBOOK}.widgets.length - 1); 1")  # a cell is drawn when it is seen
    assert soon(browser, after)


@pytest.mark.usefixtures("lab")
def test_the_lab_has_the_icon_of_the_site(browser: Browser, address: str, site: Path) -> None:
    show(browser, address, "start.ipynb")
    icons = browser.evaluate("[...document.querySelectorAll('link[rel=icon]')].map(link => link.href)")
    assert icons == [f"{address}_static/favicon.svg"] * 2
    assert (site / "_static" / "favicon.svg").is_file()


@pytest.mark.usefixtures("lab")
def test_what_is_not_served_is_not_looked_for_elsewhere(browser: Browser, address: str, elsewhere: list[str]) -> None:
    open_notebook(browser, address, "00_bytes_and_addresses.ipynb")
    assert "PyPI fallback is disabled" in run_first(browser, "%pip install numpy")
    assert elsewhere == []


def test_what_a_worker_asks_of_elsewhere_is_seen(browser: Browser, address: str, elsewhere: list[str]) -> None:
    """The kernel is a worker, so pages' own requests are not all there are."""
    visit(browser, address)
    asking = json.dumps("fetch('https://example.org/').catch(() => 0).then(() => postMessage(1))")
    worker = f"new Worker(URL.createObjectURL(new Blob([{asking}])))"
    browser.evaluate(f"new Promise(done => {worker}.onmessage = () => done(1))")
    assert elsewhere == ["CONNECT example.org:443"]


def test_every_tutorial_is_in_the_lab(lab: Path) -> None:
    """Also one that has threads: in a browser, it shows recorded runs."""
    there = {path.stem for path in (lab / "files").glob("*.ipynb")}
    assert {path.stem for path in TUTORIALS} == there - {"start"}
    assert len(TUTORIALS) == 12


def test_every_notebook_says_what_to_do_in_the_browser(lab: Path) -> None:
    for path in (lab / "files").glob("[0-9]*.ipynb"):
        first = nbformat.read(path, as_version=nbformat.NO_CONVERT).cells[0].source
        title, _, note, *_ = first.splitlines()
        assert title.startswith("# ")
        assert "saved every second" in note
        assert "*Kernel → Restart Kernel…*" in note
        assert "path=start.ipynb" in note


def test_the_lab_has_what_its_lock_file_names(lab: Path) -> None:
    folder = lab / "static" / "pyodide"
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert {"pysnmalloc", "ipykernel", "piplite"} <= set(lock["packages"])
    for package in lock["packages"].values():
        assert (folder / package["file_name"]).exists()
        assert "://" not in package["file_name"]
