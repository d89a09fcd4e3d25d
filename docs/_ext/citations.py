"""The labels of the bibliography, as the text writes them: “Liétar et al., 2019”."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


class AuthorYear(BaseLabelStyle):
    """The label of an entry: the author or both authors, or the first with “et al.”, and the year."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """Yield a label for each entry."""
        for entry in sorted_entries:
            names = [" ".join(person.last_names) for person in entry.persons["author"]]
            who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
            yield f"{who}, {entry.fields['year']}"


class Plain(Style):
    """A plain bibliography with author-year labels."""

    default_label_style = AuthorYear


def plain_list(_app: Sphinx, _page: str, _template: str, context: dict[str, object], _tree: object) -> None:
    """Remove the role from the list of citations. Docutils calls it a list, but does not call its entries items."""
    if "body" in context:
        context["body"] = str(context["body"]).replace('<div role="list" class="citation-list">', "<div>")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the style and the hook."""
    app.connect("html-page-context", plain_list)
    register_plugin("pybtex.style.formatting", "author-year", Plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
