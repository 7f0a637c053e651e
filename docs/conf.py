"""The site: Sphinx with MyST and furo. `make docs` builds it.

The reference is made while the site is built: a page names what it wants by a line such as
``<!-- made: commands -->``, and ``tools/reference_page.py`` puts it there.
"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from docutils import nodes  # noqa: E402
from sphinx import addnodes  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

import reference_page  # noqa: E402  (needs the path)
import reference_types  # noqa: E402
from wsdefrag import __version__  # noqa: E402

project = "wsdefrag"
author = "the contributors of wsdefrag"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
root_doc = "index"
nitpicky = False
highlight_language = "none"

# `#a-heading` of a page can be the target of a link, as it is where the Markdown itself is read.
myst_heading_anchors = 4
myst_enable_extensions = ["fieldlist"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
toc_object_entries_show_parents = "hide"

# Prompts and outputs are not copied.
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"wsdefrag {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}


def setup(app: Sphinx) -> None:
    """Fill the pages of the reference, and give native functions their types."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-signature", reference_types.signature)
    app.connect("autodoc-process-docstring", reference_types.docstring)
    app.connect("doctree-read", _without_links_of_builtins)


def _without_links_of_builtins(app: Sphinx, document: nodes.document) -> None:
    """A type such as ``bytes`` would lead to a member of that name."""
    for link in list(document.findall(addnodes.pending_xref)):
        if link.get("refdomain") == "py" and hasattr(builtins, link["reftarget"]):
            link.replace_self(nodes.Text(link["reftarget"]))


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = reference_page.filled(source[0])
