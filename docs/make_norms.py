"""Write docs/definitions.md and docs/norms.md from the norm files, 中文 beside English.

python docs/make_norms.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import osteo_epi as oe
from osteo_epi.language import speaking, word

DOCS = Path(__file__).parent
DEFINITIONS, NORMS = DOCS / "definitions.md", DOCS / "norms.md"
Pair = tuple[str, str]
KINDS: dict[str, Pair] = {
    "criteria": ("Definitions", "诊断标准"),
    "young_adult": ("Young adults behind the T-score", "T值的年轻成人参考值"),
    "by_age": ("People of the same age behind the Z-score", "Z值的同龄参考值"),
    "standard_population": ("Standard populations", "标准人口"),
    "calibration": ("Equations between devices", "仪器间换算公式"),
    "precision": ("Precision", "精密度"),
    "presentation": ("What may be shown", "结果发布规则"),
    "indices": ("Screening indices and gradings", "筛查指数与分级"),
    "risk": ("Gradients of risk", "骨折风险梯度"),
    "published": ("Results that ours are held against", "用于对照的已发表结果"),
    "simulation": ("What simulated people are drawn from", "模拟人群的参数"),
}
REGIONS: dict[str, Pair] = {
    "lumbar_spine": ("lumbar spine", "腰椎"),
    "femoral_neck": ("femoral neck", "股骨颈"),
    "total_hip": ("total hip", "全髋"),
    "radius_33": ("33 % radius", "桡骨远端1/3"),
}
SCORES: dict[str, Pair] = {
    "t_score": ("Classes by the T-score", "按T值分类"),
    "z_score": ("Classes by the Z-score, for all others", "其余人群按Z值分类"),
    "vbmd_lumbar_spine": ("Classes by lumbar QCT [mg/cm³]", "按腰椎QCT分类[mg/cm³]"),
}
SEXES = {"female": "women · 女", "male": "men · 男"}
SYMBOLS = {"t_score": "T", "z_score": "Z", "vbmd_lumbar_spine": "vBMD"}
RULES: dict[str, Pair] = {
    "own_sex": ("of the person's own sex", "同性别"),
    "female": ("women, for both sexes", "男女均用女性参考值"),
    "at_least_two": ("at least two of L1–L4", "L1–L4中至少两个椎体"),
    "all_four": ("all of L1–L4", "L1–L4全部四个椎体"),
    "given_total": ("the total that the file gives", "文件所给的腰椎总值"),
    "all": (
        "each of them, unless it is stated to be unusable",
        "各部位均须测量（注明不可用者除外）",
    ),
    "any": ("one of a site is enough", "每一部位有一个感兴趣区即可"),
}
INTRO = (
    "Made by `python docs/make_norms.py` from the files in `reference_norms`. What is left open "
    "is for the study to say: no reference is taken in silence.\n\n"
    "本页由`reference_norms`中的文件自动生成。标准未规定之处须由研究者说明；软件不作隐含的默认选择。\n"
)
GRADES = (
    "Made by `python docs/make_norms.py` from the files in `reference_norms`. "
    "本页由`reference_norms`中的文件自动生成。\n\n"
    "**A**: read in the publication itself, in two independent copies, or confirmed by arithmetic. "
    "**B**: read in a secondary copy. **C**: common knowledge of the field, not confirmed from a "
    "text. **derived**: computed from people's records by this toolkit.\n\n"
    "**A**：读自原文、两个独立副本，或经计算核实；**B**：读自转引；**C**：领域内通行数值，未经原文核实；"
    "**derived**：由本软件根据公开个体数据计算。\n"
)


def definitions() -> str:
    """The page of the criteria: a table each, in both languages."""
    parts = ["# Definitions · 诊断标准\n", INTRO]
    for id in oe.norms.available("criteria").ids:
        parts += _definition(oe.norms.load("criteria", id))
    return "\n".join(parts)


def _definition(norm: Any) -> Iterator[str]:
    yield f"## `{norm.id}`\n"
    yield f"**{norm.title}**  \n**{norm.title_zh}**\n"
    yield from _table(("", "English", "中文"), _rows(norm))
    yield f"\n{oe.norms.cite(norm.id, kind='criteria')}\n"
    if norm.notes:
        yield f"{_one_line(norm.notes)}\n"


def _rows(norm: Any) -> Iterator[tuple[str, str, str]]:
    """What a criterion says, a line each."""
    yield _row(("Judged by the T-score", "按T值判断者"), _judged(norm.applies))
    for name, title in SCORES.items():
        if (bands := getattr(norm, name)) is not None:
            yield _row(title, _classes(bands, SYMBOLS[name]))
    sites = [region for regions in norm.sites.values() for region in regions]
    yield _row(("Read at", "测量部位"), _joined(sites))
    yield _row(("Of these are needed", "部位要求"), RULES[norm.rois_required])
    if norm.substitute:
        instead = REGIONS[norm.substitute]
        texts = (f"{instead[0]}, where one is unusable", f"{instead[1]}（某一部位不可用时）")
        yield _row(("Read instead", "替代部位"), texts)
    yield _row(("Vertebrae that have to count", "椎体要求"), RULES[norm.spine_rule])
    young = ("for the study to name", "由研究者指定")
    if norm.young_adult:
        held = oe.norms.load("young_adult", norm.young_adult)
        young = (f"{held.title} (`{held.id}`)", held.title_zh)
    yield _row(("Young adults", "年轻成人参考"), young)
    yield _row(("Compared with", "参考性别"), RULES[norm.sex_rule])
    fracture = ("no part of the class", "不参与分类")
    if norm.fracture.overrides:
        grade = norm.fracture.genant_from
        texts = (f"osteoporosis whatever the density; vertebrae from Genant {grade}",)
        fracture = (*texts, f"脆性骨折即可诊断；椎体骨折自Genant {grade}级起")
    yield _row(("Fragility fracture", "脆性骨折"), fracture)
    ages = f"{norm.prevalence_ages.lower:g}"
    yield _row(("Prevalence is of", "患病率人群"), (f"people from {ages} years", f"{ages}岁及以上"))
    grades = "; ".join(f"`{part}` {grade}" for part, grade in norm.grades.items())
    yield _row(("Grades of the parts", "各部分证据级别"), (grades, grades))


def _row(title: Pair, texts: Pair) -> tuple[str, str, str]:
    return f"{title[0]} · {title[1]}", *texts


def _judged(applies: Any) -> Pair:
    age = f"{applies.from_age:g}"
    if applies.women == "age":
        return f"women and men from {age} years", f"{age}岁及以上女性和男性"
    return f"postmenopausal women, men from {age} years", f"绝经后女性、{age}岁及以上男性"


def _classes(bands: Any, symbol: str) -> Pair:
    """Every class with its limits, the lowest first."""
    decimals = 0 if symbol == "vBMD" else 1
    texts = []
    for code in ("en", "zh"):
        with speaking(code):
            texts.append(
                "; ".join(
                    f"{word(name).lower()} {band.inequality(symbol, decimals=decimals)}"
                    for name, band in bands.items()
                )
            )
    return texts[0], texts[1].replace("; ", "；")


def _joined(regions: Iterable[str]) -> Pair:
    named = [REGIONS[region] for region in regions]
    return ", ".join(en for en, _ in named), "、".join(zh for _, zh in named)


def norms() -> str:
    """The page of all norms: a table a kind, and the numbers of young adults."""
    parts = ["# Norms · 参考值与标准\n", GRADES]
    for kind, (en, zh) in KINDS.items():
        held = [oe.norms.load(kind, id) for id in oe.norms.available(kind).ids]
        parts.append(f"## {en} · {zh}\n")
        rows = [(f"`{n.id}`", n.title, n.title_zh or "–", n.verification, _source(n)) for n in held]
        parts += [*_table(("id", "English", "中文", "grade · 级别", "source · 来源"), rows), ""]
        if kind == "young_adult":
            parts += [_numbers(held), ""]
    return "\n".join(parts)


def _source(norm: Any) -> str:
    citation = norm.citation
    doi = getattr(citation, "doi", None)
    text = _one_line(citation.text)
    return f"{text} [doi:{doi}](https://doi.org/{doi})" if doi else text


def _numbers(held: Iterable[Any]) -> str:
    """Mean and SD of every reference of young adults, with the density at T = −2.5."""
    rows = []
    for norm in held:
        for entry in norm.entries:
            if entry.roi in REGIONS:
                mean, sd = entry.value.mean, entry.value.sd
                sex, region = SEXES[entry.sex], " · ".join(REGIONS[entry.roi])
                numbers = (f"{mean:.3f}", f"{sd:.3f}", f"{mean - 2.5 * sd:.3f}")
                rows.append((f"`{norm.id}`", norm.maker, sex, region, *numbers))
    head = (
        "id",
        "maker · 厂家",
        "sex · 性别",
        "region · 部位",
        "mean · 均值",
        "SD · 标准差",
        "T = −2.5",
    )
    return "\n".join(["Densities in g/cm². 单位：g/cm²。\n", *_table(head, rows)])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = tuple(head)
    lines = [head, tuple("---" for _ in head), *(tuple(row) for row in rows)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


if __name__ == "__main__":
    DEFINITIONS.write_text(definitions(), encoding="utf-8")
    NORMS.write_text(norms(), encoding="utf-8")
