"""The documentation's configuration."""

from pysnmalloc import __version__

project = "pysnmalloc"
author = "The pysnmalloc developers"
copyright = "2026, The pysnmalloc developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_use_ivar = True
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
html_title = "pysnmalloc"
