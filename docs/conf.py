"""The documentation's configuration."""

from pathlib import Path

from pysnmalloc import __version__
from pysnmalloc.step import FIGURES, figure

project = "pysnmalloc"
author = "The pysnmalloc developers"
copyright = "2026, The pysnmalloc developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_use_ivar = True
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build", "_figures"]
html_title = "pysnmalloc"

# The paper's figures are drawn by the code, each time the documentation is built.
figures = Path(__file__).parent / "_figures"
figures.mkdir(exist_ok=True)
for number in FIGURES:
    (figures / f"figure-{number}.html").write_text(figure(number).html(), encoding="utf-8")
