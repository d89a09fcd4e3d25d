"""Build the lab: put JupyterLite and Pyodide into the site, so that notebooks run in the reader's browser.

    python docs/lite/build.py docs/_build/html

    npm: pyodide (Python as WebAssembly) ─┐
    registry: pure wheels ────────────────┼─► lite/static/pyodide, with a lock file for what is there ─► site/lite
    this checkout: its wheel ─────────────┤
    site/notebooks/*.ipynb, start.md ─────┘

The law: a page of the lab makes requests to the site only. Pyodide's own lock file names hundreds of packages on
another server. The build replaces it with a lock file of the packages that the site serves, and configures the kernel
not to look elsewhere.

The build keeps its downloads (in the folder that the environment variable PYSNMALLOC_CACHE names, or in
~/.cache/pysnmalloc), so a second build needs no network. It needs npm and the packages of the extra ``docs``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from email.parser import HeaderParser
from importlib.metadata import version
from pathlib import Path

import jupytext
import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
OURS = "pysnmalloc"
FROM_KERNEL = ("ipykernel", "piplite", "pyodide_kernel")  # wheels that come with the kernel
LAB = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static"
KERNEL = {"name": "python", "display_name": "Python", "language": "python"}
ICON = "../../_static/favicon.svg"  # from a page of the lab
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 1},  # seconds
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # light or dark, as the reader's system
}

SITE = "https://site.invalid/"
"""Stands in a notebook for the address of the site. See docs/_ext/addresses.py."""
TUTORIAL = re.compile(rf"\({re.escape(SITE)}tutorials/(\d\d_\w+)\.html\)")
"""The address of a tutorial, in a link. The lab has the tutorial itself."""
NOTE = (
    "**In the browser:** your answers are saved every second. If a cell runs for ever, choose *Kernel → Restart "
    f"Kernel…*. *Interrupt Kernel* has no effect. [Start]({SITE}lite/notebooks/index.html?path=start.ipynb) says more, "
    "and shows which exercises are done."
)

Json = dict[str, object]


class BuildError(Exception):
    """The lab cannot be built. The message says what to do."""


def cache() -> Path:
    """Return the folder for downloads, and create it if it is missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("PYSNMALLOC_CACHE") or base / OURS) / "lite"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """Run a program, and return what it prints.

    Raises:
        BuildError: if the program fails.
    """
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def pyodide_version() -> str:
    """Return the version of Pyodide that the installed kernel requires."""
    from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION

    return str(PYODIDE_VERSION)


def fetch_pyodide() -> Path:
    """Fetch Pyodide's core from npm, unless it is in the cache, and return its folder.

    Raises:
        BuildError: if npm is missing or fails.
    """
    folder = cache() / f"pyodide-{pyodide_version()}"
    if not folder.exists():
        if shutil.which("npm") is None:
            raise BuildError("the lab needs npm to fetch Pyodide: install npm (Debian: apt-get install npm)")
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            packed = run(["npm", "pack", "--silent", f"pyodide@{pyodide_version()}"], Path(work)).split()[-1]
            with tarfile.open(Path(work) / packed) as archive:
                archive.extractall(work, filter="data")
            (Path(work) / "package").rename(folder)
    return folder


def python_of(pyodide: Path) -> str:
    """Return the version of Python in Pyodide, such as 3.14.2."""
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    return str(lock["info"]["python"])


def fetch_wheels(python: str) -> Path:
    """Fetch the pure wheels for the browser's Python, unless they are in the cache, and return their folder."""
    names = (HERE / "packages.txt").read_text(encoding="utf-8")
    digest = hashlib.sha256(f"{python}\n{names}".encode()).hexdigest()[:12]
    folder = cache() / f"wheels-{digest}"
    if not folder.exists():
        minor = python.rpartition(".")[0]
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            target = ["--python-version", minor, "--implementation", "py", "--abi", "none", "--platform", "any"]
            run([*pip, *target, "--dest", work, "--requirement", HERE / "packages.txt"])
            shutil.copytree(work, folder)
    return folder


def our_wheel(folder: Path) -> Path:
    """Build a wheel of this checkout, without its dependencies, and return its path."""
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT])
    return next(folder.glob(f"{OURS}-*.whl"))


def kernel_wheels() -> list[Path]:
    """Return the wheels that come with the kernel.

    Raises:
        BuildError: if one is missing.
    """
    folder = Path(sys.prefix) / LAB / "pypi"
    found = [path for name in FROM_KERNEL for path in folder.glob(f"{name}-*.whl")]
    if len(found) != len(FROM_KERNEL):
        raise BuildError(f"{folder} lacks wheels of {', '.join(FROM_KERNEL)}: run pip install -e '.[docs]'")
    return found


def entry(wheel: Path, python: str) -> Json:
    """Return a wheel's entry in the lock file."""
    name, wheel_version, _, _ = parse_wheel_filename(wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
        metadata = next(file for file in files if re.fullmatch(r"[^/]+\.dist-info/METADATA", file))
        head = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
    tops = {file.split("/")[0].removesuffix(".py") for file in files if file.endswith(".py")}
    return {
        "name": str(canonicalize_name(name)),
        "version": str(wheel_version),
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(top for top in tops if not top.endswith((".data", ".dist-info"))),
        "depends": needs(head.get_all("Requires-Dist", []), python),
        "unvendored_tests": False,
    }


def needs(requirements: Iterable[str], python: str) -> list[str]:
    """Return the names of the packages that a package needs in the browser."""
    browser = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": "emscripten",
        "platform_system": "Emscripten",
        "platform_machine": "wasm32",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }
    found = map(Requirement, requirements)
    return sorted({canonicalize_name(each.name) for each in found if not each.marker or each.marker.evaluate(browser)})


def lay_pyodide(target: Path, work: Path) -> list[str]:
    """Put Pyodide, the wheels and their lock file into a folder. Return the names of the packages to load at start."""
    pyodide = fetch_pyodide()
    python = python_of(pyodide)
    target.mkdir(parents=True)
    for name in CORE:
        shutil.copy(pyodide / name, target)
    wheels = [our_wheel(work), *kernel_wheels(), *sorted(fetch_wheels(python).glob("*.whl"))]
    packages = {str(each["name"]): each for each in (entry(wheel, python) for wheel in wheels)}
    for wheel in wheels:
        shutil.copy(wheel, target)
    for package in packages.values():
        depends = package["depends"]
        assert isinstance(depends, list)
        package["depends"] = [name for name in depends if name in packages]
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    lock["packages"] = packages
    (target / "pyodide-lock.json").write_text(json.dumps(lock, indent=1), encoding="utf-8")
    return sorted(packages)


def configure(folder: Path, names: list[str]) -> None:
    """Write the configuration of the lab and of its builder."""
    kernel = {
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"lockFileURL": "./static/pyodide/pyodide-lock.json", "packages": names},
    }
    lab = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "pysnmalloc",
            "exposeAppInBrowser": True,  # tests send it commands
            "settingsOverrides": SETTINGS,
            "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
        },
    }
    builder = {
        "LiteBuildConfig": {
            "contents": ["contents"],
            "apps": ["lab", "notebooks", "repl"],
            "no_unused_shared_packages": True,
            "no_sourcemaps": True,
        }
    }
    (folder / "jupyter-lite.json").write_text(json.dumps(lab), encoding="utf-8")
    (folder / "jupyter_lite_config.json").write_text(json.dumps(builder), encoding="utf-8")


def copy_notebooks(site: Path, folder: Path) -> int:
    """Copy the site's notebooks for the lab, add the page that it starts with, and return the number of tutorials.

    Raises:
        BuildError: if the site has no notebooks.
    """
    folder.mkdir()
    paths = sorted((site / "notebooks").glob("*.ipynb"))
    if not paths:
        raise BuildError(f"{site} has no notebooks: build the site first (nox -s docs)")
    links = ""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        title = adapt(notebook)
        nbformat.write(notebook, folder / path.name)
        links += f"- [{title}]({address(path.stem)})\n"
    nbformat.write(start(links), folder / "start.ipynb")
    return len(paths)


def address(name: str) -> str:
    """Return the address of a notebook in the lab."""
    return f"{SITE}lite/notebooks/index.html?path={name}.ipynb"


def adapt(notebook: nbformat.NotebookNode) -> str:
    """Change what is different in the lab, and return the title: the kernel's name, the note, links to tutorials."""
    notebook.metadata.kernelspec = nbformat.from_dict(KERNEL)
    for cell in notebook.cells:
        cell.source = TUTORIAL.sub(lambda found: f"({address(found[1])})", cell.source)
    title, line, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{NOTE}{line}{rest}"
    return str(title.removeprefix("# "))


def start(links: str) -> nbformat.NotebookNode:
    """Return the page that the lab starts with: how to keep answers, and which exercises are done."""
    page = jupytext.read(HERE / "start.md")
    page.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    page.cells.append(nbformat.v4.new_markdown_cell(f"## The tutorials\n\n{links}"))
    for number, cell in enumerate(page.cells):
        cell["id"] = f"cell-{number}"  # the same in every build
    page.nbformat, page.nbformat_minor = 4, 5
    return page


def fit(output: Path) -> None:
    """Fit the lab's pages into the site: its icon, and the script that fills in its address, before all others.

    Raises:
        BuildError: if a page has no place for them.
    """
    shutil.copy(HERE / "address.js", output)
    head = f'<head><link rel="icon" type="image/svg+xml" href="{ICON}"><script src="../address.js"></script>'
    for app in ("lab", "notebooks"):
        page, settings = output / app / "index.html", output / app / "jupyter-lite.json"
        text = page.read_text(encoding="utf-8")
        if "<head>" not in text:
            raise BuildError(f"{page} has no <head>: this JupyterLite is laid out in another way")
        page.write_text(text.replace("<head>", head, 1), encoding="utf-8")
        config = json.loads(settings.read_text(encoding="utf-8"))
        config["jupyter-config-data"]["faviconUrl"] = f"./{ICON}"
        settings.write_text(json.dumps(config), encoding="utf-8")


def build(site: Path) -> str:
    """Build the lab into a site, and return a summary in words."""
    output = site / "lite"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        count = copy_notebooks(site, work / "contents")
        names = lay_pyodide(work / "static" / "pyodide", work / "wheel")
        configure(work, names)
        shutil.rmtree(output, ignore_errors=True)
        lite = [sys.executable, "-m", "jupyterlite_core.app", "build"]
        run([*lite, "--lite-dir", work, "--output-dir", output.resolve()], work)
        fit(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return (
        f"{output}: {count} notebooks, {len(names)} packages, Pyodide {pyodide_version()}, "
        f"JupyterLite {version('jupyterlite-core')}, {size >> 20} MiB"
    )


def main() -> None:
    """Build the lab into the site that the command line names."""
    parser = argparse.ArgumentParser(description="Build the lab into a site.")
    parser.add_argument("site", type=Path, help="the built site, as in docs/_build/html")
    try:
        print(build(parser.parse_args().site.resolve()))
    except BuildError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
