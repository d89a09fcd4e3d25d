"""The lab: tutorials run in a real browser, by Python in WebAssembly, all of it from the site.

Three run each time, the others with the marker ``whole_lab``: ``nox -s docs-tests -- -m ""``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser import Browser

from .conftest import ROOT
from .reader import until, visit

pytestmark = pytest.mark.browser

ALWAYS = ("00_", "05_", "10_")  # the first, the one with the explorer, the one with the largest heaps
TUTORIALS = sorted(ROOT.glob("tutorials/[0-9][0-9]_*.md"))
RUN = [
    pytest.param(path, id=path.stem, marks=() if path.name.startswith(ALWAYS) else pytest.mark.whole_lab)
    for path in TUTORIALS
]
CHECK = re.compile(r"^check\(", re.MULTILINE)
CELLS = "[...window.jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type === 'code')"
KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"


def run_all(browser: Browser, address: str, notebook: str) -> list[list[dict[str, object]]]:
    """Open a notebook, run it from top to bottom, and return each cell's outputs."""
    visit(browser, f"{address}lite/notebooks/index.html?path={notebook}")
    until(browser, f"return {KERNEL} === 'idle'")
    # The command ends when all cells have run, or one has failed.
    browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
    until(browser, f"return {KERNEL} === 'idle'")
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
        source = json.dumps(f"check('0.1', lambda data, address: {body})")
        browser.evaluate(f"{CELLS}.at(-1).sharedModel.setSource({source})")
        browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
        said = str(browser.evaluate(f"JSON.stringify({CELLS}.at(-1).outputs.toJSON())"))
        assert f"data-state='{state}'" in said


@pytest.mark.usefixtures("lab")
def test_what_is_not_served_is_not_looked_for_elsewhere(browser: Browser, address: str, elsewhere: list[str]) -> None:
    visit(browser, f"{address}lite/notebooks/index.html?path=00_bytes_and_addresses.ipynb")
    until(browser, f"return {KERNEL} === 'idle'")
    browser.evaluate(f"{CELLS}[0].sharedModel.setSource('%pip install numpy'); 1")
    browser.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
    assert "PyPI fallback is disabled" in str(browser.evaluate(f"JSON.stringify({CELLS}[0].outputs.toJSON())"))
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
    assert {path.stem for path in TUTORIALS} == there
    assert len(TUTORIALS) == 12


def test_the_lab_has_what_its_lock_file_names(lab: Path) -> None:
    folder = lab / "static" / "pyodide"
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert {"pysnmalloc", "ipykernel", "piplite"} <= set(lock["packages"])
    for package in lock["packages"].values():
        assert (folder / package["file_name"]).exists()
        assert "://" not in package["file_name"]
