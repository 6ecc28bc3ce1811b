"""The gallery: every figure is in it, drawn by the lines that are shown, in Chinese as well."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from matplotlib.text import Text

from osteo_epi import figures
from osteo_epi.language import speaking

DOCS = Path(__file__).parents[1] / "docs"
PARTS = {"CROWD", "Picture", "alt_text", "plot"}
"""What is at the door and is no figure."""


@pytest.fixture(scope="module")
def gallery():
    sys.path.insert(0, str(DOCS))
    import make_gallery

    yield make_gallery
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def shown(gallery):
    """Each figure of the page by its name, in Chinese."""
    with speaking("zh"):
        drawn = list(gallery.drawn(gallery.PAGE.read_text(encoding="utf-8")))
    pictures = {name: picture for _, name, picture in drawn if picture is not None}
    assert len(pictures) == sum(picture is not None for _, _, picture in drawn)
    return pictures


def test_every_figure_is_in_the_gallery(gallery, shown):
    # Prevalence by age and estimates with limits stand twice.
    assert len(shown) == len(set(figures.__all__) - PARTS) + 2


def test_each_figure_says_what_it_shows_in_chinese(shown):
    for name, picture in shown.items():
        assert re.search("[\u4e00-\u9fff]", picture.alt), name
        assert picture.alt[-1] == "。", (name, picture.alt)


def test_the_text_of_each_figure_is_text_and_on_the_canvas(shown):
    for name, picture in shown.items():
        assert "<text" in picture.svg().decode(), name
        picture.figure.draw_without_rendering()
        canvas = picture.figure.bbox.padded(2)
        for text in filter(_is_drawn, picture.figure.findobj(Text)):
            here = text.get_window_extent()
            assert canvas.x0 <= here.x0 < here.x1 <= canvas.x1, (name, text.get_text())
            assert canvas.y0 <= here.y0 < here.y1 <= canvas.y1, (name, text.get_text())


def _is_drawn(text: Text) -> bool:
    """Whether a text is seen: a tick beyond the ends of its axis is not."""
    axes = text.axes
    if not text.get_text().strip() or not text.get_visible() or axes is None:
        return False
    unseen = {
        id(label)
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not axes.axison or not min(ends) <= tick.get_loc() <= max(ends)
    }
    return id(text) not in unseen


def test_the_page_of_the_site_has_each_figure_below_its_lines(gallery, tmp_path, monkeypatch):
    lines = "from matplotlib.figure import Figure\naxes = Figure().subplots()\n"
    text = f"# G\n\n### A name\n\n```python\n{lines}```\nend\n"
    monkeypatch.setattr(gallery, "PAGE", tmp_path / "gallery.md")
    (tmp_path / "gallery.md").write_text(text)
    page = gallery.write(tmp_path / "made" / "gallery").read_text()
    assert page == text.replace("```\nend", "```\n\n![](gallery/a_name.svg)\nend")
    assert (tmp_path / "made/gallery/a_name.svg").read_text().startswith("<?xml")
