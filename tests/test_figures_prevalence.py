"""Figures of a prevalence: what may be seen of it, who is in it, and that it can be read."""

from __future__ import annotations

import io
from itertools import combinations

import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import osteo_epi as oe
from osteo_epi.cohort import Flow
from osteo_epi.errors import SchemaError
from osteo_epi.figures import (
    alt_text,
    bmd_by_age,
    flow_diagram,
    prevalence_by_age,
    prevalence_forest,
    prevalence_with_calibration,
    site_overlap,
)
from osteo_epi.language import speaking


def rows(*levels: tuple[str, str, float, str]) -> pl.DataFrame:
    """A prevalence by sex and region: sex, region, estimate and verdict of each group."""
    return pl.DataFrame(
        [
            {
                "definition": "D", "class": "osteoporosis", "sex": sex, "region": region,
                "statistic": "crude", "age_band": "50+", "estimate": estimate,
                "lower": estimate - 0.02, "upper": estimate + 0.03, "confidence": 0.95,
                "n": 1200, "flag": "", "verdict": verdict,
            }
            for sex, region, estimate, verdict in levels
        ]
    )  # fmt: skip


GROUPS = (
    ("female", "north", 0.30, "show"),
    ("female", "south", 0.20, "review"),
    ("male", "north", 0.06, "suppress"),
    ("all", "all", 0.18, "show"),
)


def printed(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def markers(axes) -> list:
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 1]


def test_what_is_withheld_is_an_asterisk_and_has_no_mark() -> None:
    axes = prevalence_forest(rows(*GROUPS))
    assert sorted(line.get_xdata()[0] for line in markers(axes)) == pytest.approx([18, 20, 30])
    assert printed(axes).count("*") == 1
    assert not any(text.startswith("6.0") for text in printed(axes))
    assert "Withheld" in axes.get_xlabel()
    assert "6.0%" not in alt_text(axes)


def test_the_author_sees_what_is_withheld_crossed_out() -> None:
    axes = prevalence_forest(rows(*GROUPS), show_unreliable=True)
    (crossed,) = (line for line in markers(axes) if line.get_marker() == "x")
    assert crossed.get_xdata()[0] == pytest.approx(6)
    assert "Crossed out" in axes.get_xlabel()


def test_what_is_to_be_reviewed_is_hollow() -> None:
    axes = prevalence_forest(rows(*GROUPS))
    hollow = [line.get_xdata()[0] for line in markers(axes) if line.get_mfc() == "white"]
    assert hollow == pytest.approx([20])


def test_groups_stand_under_headings_and_everybody_is_the_dotted_line() -> None:
    axes = prevalence_forest(rows(*GROUPS).to_pandas())
    labels = axes.get_yticklabels()
    assert [label.get_text() for label in labels] == [
        "Women", "north", "south", "Men", "north", "Everybody", "All",
    ]  # fmt: skip
    bold = [label.get_text() for label in labels if label.get_fontweight() == "bold"]
    assert bold == ["Women", "Men", "Everybody"]
    (dotted,) = (line for line in axes.get_lines() if line.get_linestyle() == ":")
    assert dotted.get_xdata()[0] == pytest.approx(18)


def test_the_finding_is_said_to_who_cannot_see_it() -> None:
    assert alt_text(prevalence_forest(rows(*GROUPS))) == (
        "Osteoporosis by group, crude. 3 groups, the lowest and the highest: All 18.0%; "
        "Women · north 30.0%."
    )
    with speaking("zh"):
        text = alt_text(prevalence_forest(rows(*GROUPS)))
    assert (
        text == "各组骨质疏松患病率（粗率）。共3组，最低与最高为：合计 18.0%；女性 · north 30.0%。"
    )


def test_only_one_estimate_or_none_is_no_reason_to_fail() -> None:
    one = prevalence_forest(rows(("female", "north", 0.3, "show")))
    assert alt_text(one).endswith("Women · north 30.0%.")
    none = prevalence_forest(rows(("female", "north", 0.3, "show")), bone_class="normal")
    assert "no estimate of this kind" in printed(none)[0]
    hidden = prevalence_forest(rows(("female", "north", 0.3, "suppress")))
    assert "no estimate is precise enough" in alt_text(hidden)


def flow(*steps: tuple[str, str, int, int, int]) -> pl.DataFrame:
    columns = ["step", "reason", "n_in", "n_excluded", "n_out"]
    return pl.DataFrame(steps, schema=columns, orient="row").with_row_index("order")


LONG = "measured, with a fracture record that does not settle whether there is one"
STEPS = flow(
    ("read", "rows of the file " + "somewhere " * 6, 100, 0, 100),
    ("age stated", "age missing", 100, 0, 100),
    ("50 years or older", "younger than 50", 100, 40, 60),
)
STEPS = pl.concat(
    [
        STEPS,
        pl.DataFrame(
            {
                "order": [3, 3, 3, 4],
                "step": ["classified"] * 3 + ["fracture status known"],
                "reason": [LONG, "the hip has no usable measurement", "never happened", LONG],
                "n_in": [60, 60, 60, 50],
                "n_excluded": [7, 3, 0, 9],
                "n_out": [50, 50, 50, 41],
            },
            schema=STEPS.schema,
        ),
    ]
)


def test_each_reason_stands_once_and_a_step_at_which_nobody_left_nowhere() -> None:
    text = "\n".join(printed(flow_diagram(STEPS)))
    assert "age missing" not in text
    assert "never happened" not in text
    assert "Age stated" not in text
    assert "Excluded (n = 10)" in text
    assert "• the hip has no usable measurement (n = 3)" in text.replace("\n", " ")
    assert "Analysed\nn = 41" in text


def overlapping(boxes: list[Rectangle]) -> list[tuple]:
    spans = [(b.get_x(), b.get_y(), b.get_x() + b.get_width(), b.get_y() + b.get_height())
             for b in boxes]  # fmt: skip
    return [
        (a, b) for a, b in combinations(spans, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_stay_in_their_boxes_and_no_box_lies_on_another(language: str) -> None:
    with speaking(language):
        axes = flow_diagram(STEPS.to_pandas(), title="Flow")
    axes.figure.savefig(io.BytesIO(), format="svg")
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert not overlapping(boxes)
    rims = [box.get_window_extent() for box in boxes]
    for text in axes.texts:
        inner = text.get_window_extent()
        assert any(
            rim.x0 <= inner.x0 and inner.x1 <= rim.x1 and rim.y0 <= inner.y0
            and inner.y1 <= rim.y1 for rim in rims
        ), text.get_text()  # fmt: skip


def test_in_small_axes_the_letters_are_small() -> None:
    small = Figure(figsize=(3, 2)).subplots()
    (first, *_) = flow_diagram(STEPS, small).texts
    assert first.get_fontsize() < 6


def test_a_flow_is_drawn_by_its_own_method_and_a_cohort_by_its_steps() -> None:
    people = pl.DataFrame({"age": [44.0, 61.0, None]})
    left = Flow.start(3).step("aged", pl.col("age") > 0, reason="age missing", frame=people)
    assert "age missing" in "\n".join(printed(left.plot()))
    assert alt_text(left.plot()) == (
        "Flow of participants: of 3 people 2 remain. Most were excluded for: age missing (n = 1)."
    )


def test_rows_of_a_persons_other_regions_are_joined_and_not_excluded() -> None:
    name, reason = "one row a person and day", "rows of the person's other regions, joined"
    flow = Flow.start(3, reason="a file").resized(2, name=name, reason=reason, excluded=1)
    axes = flow_diagram(flow)
    assert alt_text(axes) == "Flow of participants: of 2 people 2 remain."
    texts = [text.get_text() for text in axes.texts]
    assert any(text.startswith("Joined (n = 1)") for text in texts)
    assert not any("Excluded" in text for text in texts)


def test_a_frame_that_is_no_flow_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(SchemaError, match="columns n_in, n_excluded, n_out are not in the frame"):
        flow_diagram(STEPS.drop("n_in", "n_excluded", "n_out"))
    with pytest.raises(SchemaError, match="holds no step"):
        flow_diagram(STEPS.clear())


def by_age(levels: int) -> pl.DataFrame:
    """A prevalence by sex and centre in two bands of age."""
    cells = [(sex, f"Centre {k}") for k in range(levels) for sex in ("female", "male")]
    part = rows(*((sex, centre, 0.1 + 0.01 * k, "show") for k, (sex, centre) in enumerate(cells)))
    bands = [
        part.with_columns(age_band=pl.lit(band), statistic=pl.lit("age_band"))
        for band in ("50-64", "65+")
    ]
    return pl.concat(bands)


@pytest.mark.parametrize("levels", [2, 3, 12])
def test_of_many_groups_each_has_a_panel_that_stays_on_the_canvas(levels: int) -> None:
    axes = prevalence_by_age(by_age(levels).to_pandas())
    panels = axes.child_axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        f"Centre {k}" for k in range(levels)
    ]
    figure = axes.figure
    figure.savefig(io.BytesIO(), format="svg")
    whole = figure.bbox
    for panel in panels:
        here = panel.get_tightbbox()
        assert whole.x0 <= here.x0 < here.x1 <= whole.x1 + 1
        assert whole.y0 <= here.y0 < here.y1 <= whole.y1 + 1
    inner = [panel.get_window_extent() for panel in panels]
    assert not any(a.overlaps(b) for a, b in combinations(inner, 2))


def test_two_groups_share_the_axes() -> None:
    axes = prevalence_by_age(by_age(1))
    assert not axes.child_axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "Women · Centre 0", "Men · Centre 0",
    ]  # fmt: skip


def _hidden(frame: pl.DataFrame, *centres: str) -> pl.DataFrame:
    """The rows with those of some centres withheld."""
    hide = pl.col("region").is_in(centres)
    return frame.with_columns(verdict=pl.when(hide).then(pl.lit("suppress")).otherwise("verdict"))


def test_a_panel_in_which_all_is_withheld_is_not_drawn_but_named() -> None:
    axes = prevalence_by_age(_hidden(by_age(4), "Centre 1"))
    titles = [panel.get_title(loc="left") for panel in axes.child_axes]
    assert titles == ["Centre 0", "Centre 2", "Centre 3"]
    foot = axes.child_axes[-1].get_xlabel()
    assert "Not drawn, no estimate may be shown: Centre 1" in foot
    author = prevalence_by_age(_hidden(by_age(4), "Centre 1"), show_unreliable=True)
    assert len(author.child_axes) == 4


def test_a_panel_left_alone_says_whose_it_is() -> None:
    axes = prevalence_by_age(_hidden(by_age(3), "Centre 1", "Centre 2"))
    assert not axes.child_axes
    assert axes.get_title(loc="left") == "Osteoporosis by age, Centre 0"


def test_panels_that_are_empty_leave_their_place_to_others() -> None:
    axes = prevalence_by_age(_hidden(by_age(18), "Centre 1", "Centre 2"))
    assert len(axes.child_axes) == 15
    assert "Further groups not drawn: 1" in axes.child_axes[-1].get_xlabel()


def test_groups_beyond_the_panels_are_counted() -> None:
    axes = prevalence_by_age(by_age(18))
    assert len(axes.child_axes) == 15
    assert "Further groups not drawn: 3" in axes.child_axes[-1].get_xlabel()


def test_one_band_is_said_once() -> None:
    one = by_age(1).filter(pl.col("age_band") == "65+", pl.col("sex") == "male")
    assert alt_text(prevalence_by_age(one)) == (
        "Prevalence by age, Osteoporosis. Men · Centre 0: 11.0% at 65+ years."
    )


def test_simulated_people_are_marked_without_being_asked_for_and_once() -> None:
    marked = rows(*GROUPS).with_columns(flag=pl.lit("df < 8; simulated"))
    assert printed(prevalence_forest(marked)).count("SIMULATED people") == 1
    said = prevalence_forest(marked, note="SIMULATED: a try")
    assert "SIMULATED people" not in printed(said)
    assert "SIMULATED people" not in printed(prevalence_forest(rows(*GROUPS)))
    with speaking("zh"):
        assert "模拟人群" in printed(prevalence_forest(marked))


def test_without_a_chinese_font_a_figure_speaks_english_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("osteo_epi.figures._drawing._fonts", tuple)
    with speaking("zh"), pytest.warns(UserWarning, match="Install one, such as Noto Sans CJK"):
        axes = prevalence_forest(rows(*GROUPS))
    assert axes.get_title(loc="left") == "Osteoporosis by group, crude"
    assert "No Chinese font is installed here" in printed(axes)
    levels = rows(("female", "北方", 0.3, "show"))
    with pytest.warns(UserWarning, match="drawn as boxes"):
        prevalence_forest(levels)


def test_a_spine_that_rises_with_age_is_explained_and_one_that_wavers_is_not() -> None:
    """By the line through the means from 50 on: the last mean alone is that of few people."""
    ages = [52.5, 57.5, 62.5, 67.5, 72.5, 77.5, 82.5]
    falls = [1.015, 0.976, 0.952, 0.949, 0.930, 0.921, 0.956]
    rises = [1.061, 1.065, 1.106, 1.134, 1.117, 1.101, 1.120]
    rows = [("lumbar_spine", sex, age, 150 if age < 80 else 20, mean, 0.15)
            for sex, means in (("female", falls), ("male", rises))
            for age, mean in zip(ages, means, strict=True)]  # fmt: skip
    curve = pl.DataFrame(rows, schema=["roi", "sex", "age", "n", "mean", "sd"], orient="row")
    said = " ".join(text.get_text() for text in bmd_by_age(curve).figure.findobj(Text))
    assert "± 1 SD Men: BMD of the lumbar spine rises with age" in " ".join(said.split())


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 has it."""
    parts = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_marks_of_every_group_stand_out_from_white_and_differ_without_colour() -> None:
    axes = prevalence_forest(rows(*GROUPS), show_unreliable=True)
    colours = {line.get_markeredgecolor() for line in markers(axes)}
    trend = [by_age(1).with_columns(centre=pl.lit(f"C{k}"), sex=pl.lit(f"C{k}")) for k in range(2)]
    both = prevalence_by_age(pl.concat(trend).drop("centre").unique(["sex", "age_band"]))
    others = {handle.get_color() for handle in both.get_legend().legend_handles}
    looks = [handle.get_marker() for handle in both.get_legend().legend_handles]
    assert len(set(looks)) == len(others) == 2
    assert len(colours) == 3
    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in colours | others)


def test_people_of_any_kind_of_frame_are_described_in_that_kind() -> None:
    rules = oe.definition("nchs_bone_2021")
    people = oe.classify(oe.datasets.survey(), rules)
    mine = people.frame.to_pandas()
    for describe, draw in (
        (oe.population.bmd_by_age, bmd_by_age),
        (oe.population.evidence_overlap, site_overlap),
    ):
        given, table = describe(mine, rules), describe(people, rules)
        assert type(given).__module__.startswith("pandas")
        assert pl.from_pandas(given).rows() == table.rows() == describe(people.frame, rules).rows()
        assert alt_text(draw(given)) == alt_text(draw(table)) != ""


def test_a_note_of_the_flow_stands_below_its_boxes() -> None:
    """It is no label of an axis: the axes of the diagram have none."""
    people = pl.DataFrame({"age": [44.0, 61.0, None, 70.0]})
    flow = Flow.start(len(people), reason="a file")
    flow = flow.step("age stated", pl.col("age") >= 0, reason="age missing", frame=people)
    drawn = flow_diagram(flow, note="SIMULATED people")
    drawn.figure.draw_without_rendering()
    (note,) = [text for text in drawn.texts if text.get_text() == "SIMULATED people"]
    at = note.get_window_extent()
    assert at.y1 <= min(box.get_window_extent().y0 for box in drawn.patches)
    assert 0 <= at.y0 < at.y1 <= drawn.figure.bbox.height


def test_people_of_one_group_have_a_curve_and_words_of_their_own() -> None:
    people = oe.datasets.survey()
    result = oe.prevalence(people, oe.definition("nchs_bone_2021"), ages=(50, 120), design="srs")
    by_age = prevalence_by_age(result)
    assert "All: " in alt_text(by_age)
    assert "at 50–59 years" in alt_text(by_age)
    assert "1 groups" not in alt_text(prevalence_forest(result))


def test_where_nothing_may_be_shown_the_words_say_so() -> None:
    bands = [(sex, place, 0.3, "suppress") for sex in ("female", "male", "all")
             for place in ("north", "south", "all")]  # fmt: skip
    hidden = rows(*bands).with_columns(
        statistic=pl.lit("age_band"), age_band=pl.lit("50-59"), flag=pl.lit("")
    )
    axes = prevalence_by_age(hidden)
    assert "no estimate is precise enough" in alt_text(axes)
    assert "Hollow" not in " ".join(printed(axes))


def test_a_row_without_an_estimate_leaves_the_level_of_the_others() -> None:
    lacking = rows(*GROUPS).with_columns(
        confidence=pl.when(pl.col("sex") != "male").then("confidence")
    )
    assert any("95% CI" in text for text in printed(prevalence_forest(lacking)))


def test_people_in_the_place_of_their_curve_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"pass the result of population\.bmd_by_age\(\)"):
        bmd_by_age(oe.datasets.survey().frame)


def _standardised(*levels: tuple[str, str, float, str]) -> pl.DataFrame:
    return rows(*levels).with_columns(statistic=pl.lit("age_standardised"))


def test_what_is_withheld_is_not_drawn_before_or_after_calibration() -> None:
    before = _standardised(("female", "all", 0.3, "show"), ("male", "all", 0.1, "suppress"))
    after = _standardised(("female", "all", 0.2, "suppress"), ("male", "all", 0.2, "suppress"))
    axes = prevalence_with_calibration({"before": before, "after": after})
    (women,) = axes.child_axes
    assert printed(women) == ["30.0 (28.0–33.0)", "*"]
    assert len(women.collections) == 1
    foot = women.get_xlabel()
    assert "* Withheld" in foot
    assert "Not drawn, no estimate may be shown: Men" in foot
    assert alt_text(axes).endswith("before: Women 30.0%.")


def test_a_calibration_by_one_of_several_columns_shows_everybody_of_the_others() -> None:
    both = _standardised(
        ("female", "north", 0.4, "show"),
        ("female", "all", 0.3, "show"),
        ("all", "all", 0.2, "show"),
    )
    axes = prevalence_with_calibration({"before": both, "after": both})
    assert [panel.get_title(loc="left") for panel in axes.child_axes] == ["Women", "All"]
    assert printed(axes.child_axes[0]) == ["30.0 (28.0–33.0)"] * 2
    with pytest.raises(SchemaError, match="by='centre' is no column"):
        prevalence_with_calibration({"before": both}, by="centre")


def test_without_a_standard_population_there_is_nothing_to_calibrate() -> None:
    axes = prevalence_with_calibration({"before": rows(*GROUPS)})
    assert "no estimate of this kind" in printed(axes)[0]
