"""Write GLOSSARY.md: the codebook's variables and the words that results use, in two languages.

    python docs/make_glossary.py

The variables come from the codebook, the words from `terms.toml` beside this script.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import osteo_epi as oe

HERE = Path(__file__).parent
TARGET = HERE.parent / "GLOSSARY.md"
GROUPS = {
    "measured": "What is measured · 测量",
    "classes": "Scores and classes · 评分与分类",
    "estimates": "Estimates · 估计",
    "agreement": "Between scanners and methods · 仪器与方法之间",
    "thresholds": "Thresholds and what they predict · 阈值及其预测",
}
HEAD = (
    "# Glossary · 术语表\n\n"
    "The names that files, results and messages use, in English and Chinese. Made by "
    "`python docs/make_glossary.py` from `osteo_epi/cohort/codebook.toml` and `docs/terms.toml`: "
    "edit those. In Python the variables are `oe.codebook()`.\n\n"
    "本表由上述两个文件自动生成；请修改来源文件，不要直接修改本表。\n"
)


def terms() -> list[dict[str, Any]]:
    """The words that results use."""
    return tomllib.loads((HERE / "terms.toml").read_text(encoding="utf-8"))["term"]


def glossary() -> str:
    """The whole file."""
    return "\n".join([HEAD, *_terms(), *_variables()])


def _terms() -> list[str]:
    lines = []
    for group, title in GROUPS.items():
        rows = [_term(term) for term in terms() if term["group"] == group]
        head = ("term", "中文", "column", "meaning", "source")
        lines += [f"## {title}\n", *_table(head, rows), ""]
    return lines


def _term(term: dict[str, Any]) -> tuple[str, ...]:
    columns = ", ".join(f"`{name}`" for name in term.get("columns", ()))
    meaning = f"{term['meaning']} {term['meaning_zh']}"
    return term["en"], term["zh"], columns, meaning, _source(term)


def _source(term: dict[str, Any]) -> str:
    """A publication, or the norm that holds the rule, by the title of its file."""
    if "source" in term:
        return term["source"]
    norm = oe.norms.load(*term["norm"].split("/"))
    link = f"[{norm.title}](reference_norms/{term['norm']}.toml)"
    return f"{link}, {term['section']}" if "section" in term else link


def _variables() -> list[str]:
    rows = [
        (f"`{v.name}`", _unit(v), _range(v), v.meaning, v.meaning_zh)
        for v in oe.codebook().variables.values()
    ]
    head = ("variable", "unit", "plausible range", "meaning", "中文")
    note = (
        "A plausible range is where a value of a living person can lie. It flags a reading; it "
        "decides no diagnosis. 合理范围只用于提示可疑读数，不用于诊断。\n"
    )
    return ["## Variables · 变量\n", note, *_table(head, rows), ""]


def _unit(variable: Any) -> str:
    """The unit of a quantity; of the others what kind they are."""
    if variable.kind == "category":
        return " / ".join(f"`{name}`" for name in variable.categories)
    return variable.unit or {"boolean": "yes / no", "label": "text", "id": "text"}.get(
        variable.kind, variable.kind
    )


def _range(variable: Any) -> str:
    """Where a value can lie."""
    if variable.range is None:
        return ""
    low, high = (f"{end:g}".replace("-", "−") for end in variable.range)
    return f"{low} to {high}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


if __name__ == "__main__":
    TARGET.write_text(glossary(), encoding="utf-8")
