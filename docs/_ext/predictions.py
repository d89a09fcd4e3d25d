"""Predictions: what follows one stays covered until the reader has made a choice.

    ┌ Predict ────────────────────┐
    │ ( ) 100   ( ) 112   ( ) 128 │
    └─────────────────────────────┘
    Choose an answer above …  [ ]      Cover: shown while the rest of the section is covered
    ┌ Covered ────────────────────┐
    │ the code, its output, prose │    up to the next heading
    └─────────────────────────────┘

The page contains everything. Rules of ``site.css``, not a script, hide what is covered. A printed page, and a browser
that does not know these rules, therefore show all of it. A covered part may contain another prediction, which covers
the rest of the part. A link to a place in a covered part uncovers the part. The search finds the words of a covered
part.
"""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from docutils.writers import html5_polyglot
from sphinx.application import Sphinx

ASKED = "snm-predict"  # the class that a prediction has in HTML
COVER = (
    '<p class="prediction-cover" hidden><span>Choose an answer above to see what follows.</span> '
    '<label><input type="checkbox" autocomplete="off"> Show it without an answer</label></p>\n'
)


class Cover(nodes.General, nodes.Element):
    """The note in place of what is covered. It is not a text, so the search does not find its words."""


def show_cover(translator: html5_polyglot.HTMLTranslator, _node: Cover) -> None:
    """Write the note. It is hidden unless the rules of the site uncover it."""
    translator.body.append(COVER)
    raise nodes.SkipNode


def show_nothing(_translator: nodes.NodeVisitor, _node: Cover) -> None:
    """Write nothing: formats other than HTML cover nothing."""
    raise nodes.SkipNode


def predictions(document: nodes.document) -> list[nodes.Element]:
    """Return the cells whose output is a prediction, in order."""
    cells = document.findall(lambda node: isinstance(node, nodes.container) and node.get("nb_element") == "cell_code")
    return [cell for cell in cells if isinstance(cell, nodes.Element) and asks(cell)]


def asks(cell: nodes.Element) -> bool:
    """Tell whether a cell's output is a prediction."""
    return any(ASKED in html.astext() and "html" in html.get("format", "") for html in cell.findall(nodes.raw))


def rest_of_section(cell: nodes.Element) -> Iterator[nodes.Node]:
    """Yield what follows a cell up to the next heading, without the heading's own labels."""
    after = list(cell.parent.children[cell.parent.index(cell) + 1 :])
    headings = [at for at, node in enumerate(after) if isinstance(node, nodes.section)]
    end = headings[0] if headings else len(after)
    while end and isinstance(after[end - 1], nodes.target):
        end -= 1
    yield from after[:end]


def cover_what_follows(_app: Sphinx, document: nodes.document) -> None:
    """Mark each prediction, and put what follows it into a container of its own, behind a cover."""
    for cell in predictions(document):
        rest = list(rest_of_section(cell))
        if not rest:
            continue
        parent, at = cell.parent, cell.parent.index(cell)
        cell["classes"].append("prediction")
        parent[at + 1 : at + 1 + len(rest)] = [Cover(), nodes.container("", *rest, classes=["covered"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook and the node."""
    silent = (show_nothing, None)
    app.add_node(Cover, html=(show_cover, None), latex=silent, text=silent, man=silent, texinfo=silent)
    app.connect("doctree-read", cover_what_follows)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
