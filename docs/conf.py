"""How the site is built; docs/_ext has the parts that are our own."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
# A notebook runs in an empty folder: its kernel is told where the package is that the pages are made of.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

from python_names import write_inventory  # noqa: E402
from rooms import CONCEPTS, ROOMS, is_room, modules, modules_of  # noqa: E402

from pysnmalloc import __version__  # noqa: E402

# Names for types, which have no page of their own.
ALIASES = ["Access", "Camera", "Sizeclass", "ThreadCode", "Value", "Views", "Where"]

project = "pysnmalloc"
author = "The pysnmalloc developers"
copyright = "2026, The pysnmalloc developers"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    # Ours:
    "annotated",
    "api",
    "citations",
    "drawn",
    "lawbook",
    "navigation",
    "papermap",
    "tutorials",
]
exclude_patterns = ["_*", "lite", "tests", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
nitpicky = True
default_role = "code"  # `x` in a docstring is code
suppress_warnings = ["mystnb.unknown_mime_type"]

# Notebooks: always executed, each alone in an empty folder, and an error ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 30  # for a cell; ``tutorials`` sees that a whole notebook takes no longer
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block", "fieldlist"]
myst_heading_anchors = 3

# The API: modules in the order of the front pages, as in the annotated source.
autosummary_generate = True
autosummary_context = {
    "rooms": {
        "pysnmalloc": {"The concepts": CONCEPTS, "The rooms": [name for name in ROOMS if name != "cli"]},
        **{
            f"pysnmalloc.{name.replace('/', '.')}": {"Its modules": [each.split("/")[-1] for each in modules_of(name)]}
            for name in modules()
            if is_room(name)
        },
    }
}
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"undoc-members": True}  # fields whose name and type say it all
napoleon_numpy_docstring = False
napoleon_use_ivar = True
nitpick_ignore_regex = [
    (r"py:.*", r".*\b_[A-Za-z]\w*"),  # private names in the types of public ones
    (r"py:.*", r"(typing\.)?~?[A-Z]|pysnmalloc\.[\w.]+\.[A-Z]"),  # type variables
    (r"py:class", r"'\w+'"),  # a mark in Annotated
    (r"py:class", "|".join(ALIASES)),
    (r"py:class", r"pysnmalloc\.step\.look\.Look"),  # the package has a function of that module's name
    (r"py:class", r"pysnmalloc\.explore\.threads\.proxies\.Frame"),
    (r"py:class", r"_thread\..*|concurrent\..*|rich\..*|types\.LambdaType"),
]

# Python's own names are linked by an inventory made here, of the names in python-names.txt: no network is needed.
intersphinx_mapping = {"python": ("https://docs.python.org/3", str(write_inventory(HERE)))}
intersphinx_disabled_reftypes = ["std:*"]

bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "author-year"
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "pysnmalloc"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_codeblock_linenos_style = "inline"
html_show_sphinx = False
html_extra_path = ["_extra"]  # the notebooks, for downloads; written by ``tutorials``
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b57a4", "color-brand-content": "#0b57a4"},
    "dark_css_variables": {"color-brand-primary": "#8ec2ff", "color-brand-content": "#8ec2ff"},
}
