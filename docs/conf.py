"""The configuration of the site. Its own extensions are in docs/_ext."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
# A notebook runs in an empty folder, so its kernel needs the path of the package that the pages describe.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

from python_names import write_inventory  # noqa: E402
from rooms import CONCEPTS, ROOMS, is_room, modules, modules_of  # noqa: E402

from pysnmalloc import __version__  # noqa: E402

# Type aliases, which have no page of their own.
ALIASES = ["Access", "Camera", "CutOffFunction", "Handler", "Sizeclass", "ThreadCode", "Value", "Views", "Where"]

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
    # Extensions of this site:
    "annotated",
    "api",
    "citations",
    "drawn",
    "lawbook",
    "navigation",
    "papermap",
    "predictions",
    "tutorials",
]
exclude_patterns = ["_*", "lite", "tests", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
nitpicky = True
default_role = "code"  # `x` in a docstring is code
suppress_warnings = ["mystnb.unknown_mime_type"]

# Every build executes all notebooks, each in an empty folder. An error ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 30  # for a cell; ``tutorials`` limits a whole notebook to the same time
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block", "fieldlist"]
myst_heading_anchors = 3

# The API lists modules in the order of the front pages, as in the annotated source.
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
autodoc_default_options = {"undoc-members": True}  # some fields need no more than name and type
napoleon_numpy_docstring = False
napoleon_use_ivar = True
nitpick_ignore_regex = [
    (r"py:.*", r".*\b_[A-Za-z]\w*"),  # private names in the types of public ones
    (r"py:.*", r"(typing\.)?~?[A-Z]|pysnmalloc\.[\w.]+\.[A-Z]"),  # type variables
    (r"py:class", r"FrameType"),  # of Python, in a type alias that is a string
    (r"py:exc", r"Empty"),  # of Python's module queue
    (r"py:class", r"'\w+'"),  # a string in Annotated
    (r"py:class", "|".join(ALIASES)),
    (r"py:class", r"pysnmalloc\.step\.look\.Look"),  # the package has a function with the name of that module
    (r"py:class", r"pysnmalloc\.explore\.threads\.proxies\.Frame"),
    (r"py:class", r"_thread\..*|concurrent\..*|rich\..*|types\.LambdaType"),
]

# An inventory of the names in python-names.txt links to Python's own documentation, so no network is needed.
intersphinx_mapping = {"python": ("https://docs.python.org/3", str(write_inventory(HERE)))}
intersphinx_disabled_reftypes = ["std:*"]

bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "author-year"
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "pysnmalloc"
html_favicon = "_static/favicon.svg"
html_search_scorer = str(HERE / "_ext" / "scorer.js")  # this setting is relative to the working directory
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"}), ("download.js", {"defer": "defer"})]
html_codeblock_linenos_style = "inline"
html_show_sphinx = False
html_extra_path = ["_extra"]  # the notebooks, for downloads, which ``tutorials`` writes
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b57a4", "color-brand-content": "#0b57a4"},
    "dark_css_variables": {"color-brand-primary": "#8ec2ff", "color-brand-content": "#8ec2ff"},
}
