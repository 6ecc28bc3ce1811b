"""How `make docs` builds the site: Sphinx, numpydoc, myst-nb and the pydata theme, offline."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import make_gallery
import make_site

make_site.write()
make_gallery.write()

project = "osteo-epi"
author = "The osteo-epi authors"
copyright = author
version = release = version_of("osteo-epi")

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "jupyter_execute", "doors.md", "gallery.md"]

# A name in single backticks leads to its page where there is one.
default_role = "py:obj"
add_module_names = False
toc_object_entries = False
python_maximum_signature_line_length = 88
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# Notebooks are stored with their outputs, and tests execute them.
nb_execution_mode = "off"
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "osteo-epi"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "scale": [], "_made/gallery": []}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def bend(_: object, name: str, source: list[str]) -> None:
    """Lead the links of pages by hand to where the site shows what they name."""
    page = make_site.DOCS / f"{name}.md"
    if page.is_file() and not name.startswith("_made"):
        source[0] = make_site.with_links(source[0], page, page)


def setup(app: Any) -> None:
    """Let Sphinx bend what it reads."""
    app.connect("source-read", bend)
