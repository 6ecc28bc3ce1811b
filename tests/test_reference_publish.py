"""A reference made public: loaded again it is the same; what cannot be written is refused."""

import datetime as dt
import re
import tomllib

import numpy as np
import polars as pl
import pytest

from osteo_epi import norms
from osteo_epi.cohort import Cohort, simulate
from osteo_epi.errors import DefinitionError, NormError, OutputError
from osteo_epi.reference import (
    Constant,
    FractionalPolynomial,
    NaturalSpline,
    Polynomial,
    PSpline,
    fit_reference,
    publish,
    select,
)
from osteo_epi.survey import ReplicateDesign, SurveyDesign

DAY = dt.date(2026, 1, 31)
TERMS = {"mu": Polynomial(3), "sigma": Polynomial(1)}
HEAD = {
    "id": "our_county_2026",
    "title": 'Our "county"',
    "title_zh": "本县",
    "population": "people of\nour county",
    "maker": "lunar",
}
FAMILIES = ("normal", "log_normal", "bccg", "bccgo", "bct", "bcpe")


@pytest.fixture(scope="module")
def people():
    return simulate(9_000, seed=1)


@pytest.fixture(scope="module")
def reference(people):
    return fit_reference(people, rois=["femoral_neck", "l1"], **TERMS, date=DAY)


@pytest.fixture(scope="module")
def published(reference, tmp_path_factory):
    return publish(reference, tmp_path_factory.mktemp("norms"), **HEAD)


@pytest.mark.parametrize("family", FAMILIES)
def test_loaded_again_it_scores_the_same_to_the_last_bit(people, tmp_path, family):
    frame = people.frame.select("sex", "age", "abmd_femoral_neck", "abmd_total_hip")
    reference = fit_reference(
        frame, rois=["femoral_neck", "total_hip"], family=family, sigma=Constant(), date=DAY
    )
    publish(reference, tmp_path, **HEAD)
    again = norms.load("by_age", HEAD["id"], folder=tmp_path)
    assert again.curves == reference.by_age.curves
    scored = [
        norms.with_z_scores(frame, reference=reference.by_age),
        norms.with_z_scores(frame, reference=again),
        norms.with_z_scores(frame, reference=HEAD["id"], folder=tmp_path),
        norms.with_z_scores(frame.lazy(), reference=again).collect(),
        norms.with_z_scores(frame.to_pandas(), reference=again).pipe(pl.from_pandas),
    ]
    for roi in ("femoral_neck", "total_hip"):
        first, *others = (table[f"z_score_{roi}"].to_numpy() for table in scored)
        assert np.isfinite(first).sum() > 8_000
        for other in others:
            np.testing.assert_array_equal(other, first)
    young = norms.load("young_adult", HEAD["id"], folder=tmp_path)
    assert young.entries == reference.young_adult.entries


def test_the_norms_say_who_and_whence(reference, published):
    for norm in (published.by_age, published.young_adult):
        assert (norm.id, norm.title, norm.title_zh) == (HEAD["id"], HEAD["title"], "本县")
        assert (norm.population, norm.maker) == (HEAD["population"], "lunar")
        assert (norm.verification, norm.derivation) == ("derived", reference.provenance)
        assert "2026-01-31" in norm.cite()


def test_a_table_for_other_software_holds_the_norm(published):
    table = pl.read_csv(published.folder / published.files["LMS"])
    assert table.columns[:6] == ["age", "sex", "roi", "L", "M", "S"]
    curve = published.by_age.curve("male", "l1")
    own = table.filter(pl.col("sex") == "male", pl.col("roi") == "l1")
    assert tuple(own["M"]) == curve.mu
    assert tuple(own["L"]) == curve.nu


@pytest.mark.parametrize("family", ["normal", "log_normal"])
def test_every_family_without_tails_is_one_of_lms(people, tmp_path, family):
    reference = fit_reference(people, rois=["l1"], family=family, **TERMS, young=None)
    found = publish(reference, tmp_path, **HEAD)
    table = pl.read_csv(tmp_path / found.files["LMS"]).filter(pl.col("sex") == "female")
    power, middle, spread = (table[name].to_numpy() for name in ("L", "M", "S"))
    ratio = 0.8 / middle
    z = np.log(ratio) / spread if family == "log_normal" else (ratio**power - 1) / (power * spread)
    score = found.by_age.curve("female", "l1").score(np.full(len(z), 0.8), table["age"])
    assert z == pytest.approx(score, abs=1e-9)
    assert found.young_adult is None
    assert "norm young_adult" not in found.files


def test_the_tables(reference, published):
    table = pl.read_csv(published.folder / published.files["table"])
    shown = reference.to_frame().filter(pl.col("n") >= 10)
    assert table["mean"].drop_nulls().to_list() == shown["mean"].to_list()
    printed = (published.folder / published.files["printed table"]).read_text(encoding="utf-8")
    caption, _, *lines = printed.splitlines()
    assert caption.startswith("**SIMULATED people")
    assert len(lines) == 2 + reference.to_frame().height
    assert lines[0].startswith(
        "| Sex | Region | Age [years] | Curve at [years] | n | Mean [g/cm²] | SD [g/cm²] | L |"
    )
    assert lines[2].startswith("| Women | Femoral neck | 20–24 | ")
    columns = list(zip(*(line.strip("| ").split(" | ") for line in lines[2:]), strict=True))
    for column in columns[5:]:
        assert len({len(cell.partition(".")[2]) for cell in column if cell != "–"}) == 1
    assert "-" not in "".join(lines[2:])


def test_tables_of_simulated_people_say_so_in_every_row(published):
    for content in ("table", "LMS"):
        rows = pl.read_csv(published.folder / published.files[content])
        assert set(rows["label"]) == {"simulation"}


def test_the_methods_name_how_curves_are_smoothed_and_what_supports_it(people, tmp_path):
    smooth = fit_reference(people, rois=["l1"], family="bct", nu=Constant(), tau=Constant())
    text = publish(smooth, tmp_path, **HEAD).methods
    assert "P-splines are cubic B-splines on 20 equal intervals" in text["en"]
    assert "smoothness was chosen by local maximum likelihood" in text["en"]
    assert "fitted by maximum penalised likelihood" in text["en"]
    assert "doi:10.1191/1471082X06st122oa" in text["zh"]
    assert "局部最大似然" in text["zh"]
    straight = fit_reference(people, rois=["l1"], **TERMS, nu=Constant())
    plain = publish(straight, tmp_path, **HEAD, overwrite=True).methods["en"]
    assert "fitted by maximum likelihood" in plain
    assert "P-spline" not in plain


def test_few_people_are_not_shown(people, tmp_path):
    frame = people.frame.with_row_index("row").filter((pl.col("age") < 80) | (pl.col("row") < 900))
    reference = fit_reference(frame, rois=["l1"], **TERMS)
    few = reference.to_frame().filter(pl.col("n") < 10)
    assert few.height
    found = publish(reference, tmp_path, **HEAD)
    assert f"{few.height} of" in found.notes[-1]
    assert "are not shown" in found.notes[-1]
    table = pl.read_csv(tmp_path / found.files["table"])
    assert table["n"].null_count() == table["mean"].null_count() == few.height
    assert "| <10 | – | – |" in (tmp_path / found.files["printed table"]).read_text("utf-8")
    everybody = publish(reference, tmp_path, **HEAD, smallest=0, overwrite=True)
    assert "are shown" in everybody.notes[-1]
    assert pl.read_csv(tmp_path / everybody.files["table"])["n"].null_count() == 0


def test_the_methods_hold_the_facts_in_two_languages(reference, published):
    for language, words in {
        "en": ("women", "Box–Cox Cole–Green (LMS)", "polynomial of degree 3", "20–29 years"),
        "zh": ("女性", "Box–Cox Cole–Green分布（LMS法）", "3次多项式", "20~29岁", "股骨颈"),
    }.items():
        text = published.methods[language]
        for word in (*words, "GE Lunar", "2026-01-31", reference.provenance.data_sha256):
            assert word in text
        assert f"{reference.young['male', 'l1'].mean:.3f}" in text
        assert not re.search(r"[{}]|None|nan", text)
    assert "模拟" in published.methods["zh"]


def test_the_exclusions_are_those_of_the_flow(people, tmp_path):
    cohort = Cohort.from_frame(people.frame, label="made by hand")
    flow = cohort.flow.step(
        "no fracture", pl.col("age") < 88, reason="vertebral fracture", frame=cohort.frame
    )
    kept = Cohort(cohort.frame.filter(flow.included), cohort.findings, flow, cohort.source)
    reference = fit_reference(kept, rois=["l1"], **TERMS)
    assert len(reference.provenance.exclusions) == 1
    methods = publish(reference, tmp_path, **HEAD).methods
    assert re.search(r"Exclusions: vertebral fracture, n = \d+\.", methods["en"])
    assert re.search(r"排除情况：「vertebral fracture」，\d+人。", methods["zh"])


def test_a_fit_that_did_not_end_is_said(reference, tmp_path):
    from dataclasses import replace

    curve = reference.curves["male", "l1"]
    unfinished = replace(curve, fit=replace(curve.fit, converged=False))
    curves = {**reference.curves, ("male", "l1"): unfinished}
    found = publish(replace(reference, curves=curves), tmp_path, **HEAD)
    assert "NOT CONVERGED: L1 (men)." in found.methods["en"]
    assert "未收敛：第1腰椎（男性）" in found.methods["zh"]


def test_nothing_is_replaced_unasked(reference, tmp_path):
    publish(reference, tmp_path, **HEAD)
    with pytest.raises(OutputError, match=r"exists already.*overwrite=True"):
        publish(reference, tmp_path, **HEAD)
    publish(reference, tmp_path, **(HEAD | {"title": "Another"}), overwrite=True)
    assert norms.load("by_age", HEAD["id"], folder=tmp_path).title == "Another"


def test_young_adults_of_an_earlier_reference_do_not_stay(people, reference, tmp_path):
    publish(reference, tmp_path, **HEAD)
    children = fit_reference(people, rois=["l1"], **TERMS, young=None)
    publish(children, tmp_path, **HEAD, overwrite=True)
    with pytest.raises(NormError, match="there is no young_adult 'our_county_2026'"):
        norms.load("young_adult", HEAD["id"], folder=tmp_path)


def test_a_shipped_norm_is_never_replaced(reference, tmp_path):
    with pytest.raises(NormError, match="give yours another id="):
        publish(reference, tmp_path, **(HEAD | {"id": "zhang_2007"}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("id", ["../evil", "a", "Ours", "our county", "con", "中文", "x" * 65, ""])
def test_an_unsafe_id_is_refused(reference, tmp_path, id):
    with pytest.raises(DefinitionError, match=r"id=.*small letters, digits and _"):
        publish(reference, tmp_path, **(HEAD | {"id": id}))


@pytest.mark.parametrize("name", ["title", "population", "maker"])
def test_an_empty_name_is_refused(reference, tmp_path, name):
    with pytest.raises(DefinitionError, match=f"{name}= is empty"):
        publish(reference, tmp_path, **(HEAD | {name: " "}))


def test_a_folder_that_cannot_be_made(reference, tmp_path):
    (tmp_path / "by_age").write_text("a file")
    with pytest.raises(OutputError, match="cannot make the folder by_age"):
        publish(reference, tmp_path, **HEAD)


def test_any_text_is_a_text_of_toml(reference, tmp_path):
    odd = 'quote " slash \\ tab \t bell \x07 delete \x7f line\nbone 骨 ½'
    found = publish(reference, tmp_path, **(HEAD | {"population": odd}), doi="10.1000/x")
    assert found.by_age.population == odd
    file = (tmp_path / found.files["norm by_age"]).read_text(encoding="utf-8")
    assert tomllib.loads(file)["citation"]["doi"] == "10.1000/x"


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (Constant(), "中位数（mu）为常数（自由度1）"),
        (Polynomial(2), "为2次多项式（自由度3）"),
        (FractionalPolynomial((1, 2)), "为分数多项式（幂：1, 2）（自由度3）"),
        (NaturalSpline(2), "为自然三次样条（4个系数）"),
        (PSpline(df=4), "为P样条，指定自由度4（自由度6）"),
        (PSpline(choice="gaic", k=3), "为P样条，按GAIC（3）选择平滑度"),
        (PSpline(choice="gcv", decline_from=50), "按广义交叉验证选择平滑度，50岁起不上升"),
    ],
)
def test_a_term_is_named_in_chinese(people, tmp_path, term, words):
    frame = people.frame[:1500]
    reference = fit_reference(frame, rois=["l1"], family="normal", mu=term, sigma=Constant())
    assert words in publish(reference, tmp_path, **HEAD).methods["zh"]


@pytest.mark.parametrize(
    ("columns", "norm", "said", "said_zh"),
    [
        ({"device_maker": "hologic"}, "hologic", "(maker: Hologic)", "（厂家：Hologic）"),
        ({"device": "GE Lunar iDXA"}, "lunar", "(maker: GE Lunar)", "（厂家：GE Lunar）"),
        ({"device_maker": "other"}, "unknown", "(maker not stated)", "（厂家未说明）"),
        ({}, "unknown", "(maker not stated)", "（厂家未说明）"),
        (
            {"device_maker": "hologic", "calibrated_to": "lunar_1"},
            "lunar",
            "(maker: GE Lunar)",
            "（厂家：GE Lunar）",
        ),
    ],
)
def test_the_maker_is_that_of_the_data(people, tmp_path, columns, norm, said, said_zh):
    frame = people.frame.select("sex", "age", "abmd_l1")[:3000]
    frame = frame.with_columns(pl.lit(text).alias(name) for name, text in columns.items())
    reference = fit_reference(frame, rois=["l1"], **TERMS)
    head = {key: text for key, text in HEAD.items() if key != "maker"}
    found = publish(reference, tmp_path, **head)
    assert found.by_age.maker == found.young_adult.maker == reference.by_age.maker == norm
    assert said in found.methods["en"]
    assert said_zh in found.methods["zh"]
    assert "unknown" not in found.methods["en"] + found.methods["zh"]


@pytest.mark.parametrize("maker", ["hologic", "unknown", "Mindways"])
def test_a_maker_that_the_data_contradict_is_refused(reference, tmp_path, maker):
    with pytest.raises(DefinitionError, match=r"the data name GE Lunar .*leave maker= out"):
        publish(reference, tmp_path, **(HEAD | {"maker": maker}))
    assert not list(tmp_path.iterdir())
    found = publish(reference, tmp_path, **(HEAD | {"maker": "GE Lunar Prodigy"}))
    assert found.by_age.maker == "GE Lunar Prodigy"


def test_densities_of_several_makers_make_a_reference_of_none(people, tmp_path):
    frame = people.frame.select("sex", "age", "abmd_l1").with_row_index("row")
    makers = pl.when(pl.col("row") % 2 == 0).then(pl.lit("hologic")).otherwise(pl.lit("lunar"))
    frame = frame.with_columns(makers.alias("device_maker"))
    reference = fit_reference(frame, rois=["l1"], **TERMS, accept_errors=True)
    assert "names no maker" in " ".join(reference.notes)
    head = {key: text for key, text in HEAD.items() if key != "maker"}
    found = publish(reference, tmp_path, **head)
    assert found.by_age.maker == "unknown"
    assert "厂家：Hologic、GE Lunar" in found.methods["zh"]
    with pytest.raises(DefinitionError, match="Hologic and GE Lunar"):
        publish(reference, tmp_path, **HEAD, overwrite=True)


@pytest.mark.parametrize("cohort", [False, True])
def test_exclusions_are_sentences_of_each_language(people, tmp_path, cohort):
    """A rule's Chinese reason where there is one; what is in no Chinese stands in marks."""
    frame = people.frame.select("sex", "age", "abmd_l1", "bmi", "secondary_cause")
    own = pl.Series("OwnColumn", [k % 40 == 0 for k in range(len(frame))])
    rules = [
        {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep",
         "reason": "a disease or drug", "reason_zh": "影响骨代谢的疾病或药物"},
        {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "keep"},
        {"name": "own", "column": "OwnColumn", "exclude": [True], "missing": "keep"},
    ]  # fmt: skip
    whole = frame.with_columns(own)
    chosen = select(Cohort.from_frame(whole, label="made by hand") if cohort else whole, rules)
    reference = fit_reference(chosen.people if cohort else chosen, rois=["l1"], **TERMS)
    methods = publish(reference, tmp_path, **HEAD).methods
    said = re.search("排除情况：(.*?)。", methods["zh"])[1].split("；")
    # Who stayed without an answer is known of a selection, not of the cohort that it hands on.
    stayed = "" if cohort else "（n人情况不详而保留）"
    assert [re.sub(r"[\d,]+人", "n人", text) for text in said] == [
        f"影响骨代谢的疾病或药物{stayed}，n人",
        f"体质量指数不在[18.5, 30)之内{stayed}，n人",
        "「OwnColumn」，n人",
    ]
    stayed = "" if cohort else r" \(not known of [\d,]+ who stayed\)"
    said = rf"a disease or drug{stayed}, n = \d+; .*{stayed}, n = \d+; OwnColumn, n = \d+\. A"
    assert re.search(said, methods["en"])


@pytest.mark.parametrize(
    ("design", "said", "said_zh"),
    [
        (
            SurveyDesign(),
            "People counted equally. The sample was treated as a simple random sample.",
            "每人权重相同；抽样设计：按简单随机抽样处理。",
        ),
        (
            SurveyDesign("w", "s", ("p", "h"), lonely="adjust"),
            "People were weighted (column w). The sample was stratified (column s; a stratum with "
            "a single unit is compared with the mean of all strata) and drawn in clusters (column "
            "p, h).",
            "拟合时加权（列w）；抽样设计：分层（列s；仅含一个抽样单位的层与各层总均值比较）、"
            "整群（列p、h）。",
        ),
        (
            SurveyDesign("w"),
            "People were weighted (column w). The sample was drawn without strata",
            "拟合时加权（列w）；抽样设计：数据未说明分层和抽样单位。",
        ),
        (
            ReplicateDesign("w", "rw", kind="BRR"),
            "The sample was described by replicate weights (rw*, BRR).",
            "抽样设计：以重复权重表示（rw*，BRR）。",
        ),
    ],
)
def test_the_design_is_said_in_both_languages(people, tmp_path, design, said, said_zh):
    k = pl.int_range(pl.len())
    frame = people.frame.select("sex", "age", "abmd_l1")[:3000].with_columns(
        w=1.0 + k % 3,
        s=k % 4,
        p=k % 40,
        h=k % 400,
        **{f"rw{j}": 1.0 + (k + j) % 3 for j in range(12)},
    )
    reference = fit_reference(frame, rois=["l1"], **TERMS, design=design)
    head = {key: text for key, text in HEAD.items() if key != "maker"}
    methods = publish(reference, tmp_path, **head).methods
    assert said in methods["en"]
    assert said_zh in methods["zh"]


def test_a_decade_of_which_people_lack_stands_in_notes_and_methods(people, tmp_path):
    older = people.frame.filter(pl.col("age") >= 27)
    reference = fit_reference(older, rois=["femoral_neck"], **TERMS, date=DAY)
    assert any("these people are of 27–" in note for note in reference.notes)
    methods = publish(reference, tmp_path, **HEAD).methods
    assert "the people begin at 27 and end at" in methods["en"]
    assert "因此青年人群只覆盖所定年龄的一部分" in methods["zh"]
