"""The made-up files that are text."""

from __future__ import annotations

import datetime as dt
import gzip
from dataclasses import replace

import numpy as np
from people import BELOW_EXPECTED, CUT, REGIONS, ZHANG_2007, People, draw, right
from sources import Made, source, text

REPORTED = ("--reference reported",)
ZHANG = ("--reference zhang_2007",)


def _scores(people: People, names: tuple[str, str, str], which: str = "t") -> dict[str, list]:
    """T- or Z-scores of the three regions under the headings of a file."""
    values = getattr(people, which)
    return {name: values[r].tolist() for name, r in zip(names, REGIONS, strict=True)}


def _bmd(people: People, names: tuple[str, str, str], reference: dict | None = None) -> dict:
    """Densities of the three regions under the headings of a file."""
    return {n: people.bmd(r, reference) for n, r in zip(names, REGIONS, strict=True)}


def _birth(people: People, year: int = 2019) -> list[dt.date]:
    """Birth dates half a year before the scan's day, so that ages in whole years are the same."""
    return [dt.date(year - age, 1, 1 + i % 28) for i, age in enumerate(people.age)]


@source("hologic_apex.csv", "Hologic's own names, birth date for age", advised=REPORTED)
def _hologic() -> Made:
    p = draw(1)
    table = {
        "PATIENT_KEY": p.ids(),
        "SEX": p.words("F", "M"),
        "BIRTHDATE": _birth(p),
        "SCAN_DATE": [dt.date(2019, 7, 2)] * len(p),
        "HEIGHT": p.height,
        "WEIGHT": p.weight,
        **_bmd(p, ("TOT_BMD", "NECK_BMD", "HTOT_BMD")),
        **_scores(p, ("TOT_T", "NECK_T", "HTOT_T")),
        **_scores(p, ("TOT_Z", "NECK_Z", "HTOT_Z"), "z"),
    }
    return text(table), right(p)


@source("encore_dual_femur.txt", "enCORE, tabs, two hips and their mean", advised=REPORTED)
def _encore() -> Made:
    p = draw(2)
    other = {r: np.round(p.t[r] + 0.2, 1) for r in REGIONS}
    table = {
        "Patient ID": p.ids("{:06d}"),
        "Gender": p.words("Female", "Male"),
        "Birth Date": _birth(p),
        "Measure Date": [dt.date(2019, 7, 2)] * len(p),
        "L1-L4 BMD": p.bmd("lumbar_spine"),
        "L1-L4 Young Adult T-Score": p.t["lumbar_spine"].tolist(),
        "Neck Left BMD": p.bmd("femoral_neck"),
        "Neck Left Young Adult T-Score": p.t["femoral_neck"].tolist(),
        "Neck Right BMD": [round(x + 0.024, 3) for x in p.bmd("femoral_neck")],
        "Neck Right Young Adult T-Score": other["femoral_neck"].tolist(),
        "Total Left BMD": p.bmd("total_hip"),
        "Total Left Young Adult T-Score": p.t["total_hip"].tolist(),
        "Total Right BMD": [round(x + 0.024, 3) for x in p.bmd("total_hip")],
        "Total Right Young Adult T-Score": other["total_hip"].tolist(),
        "Total Mean BMD": [round(x + 0.012, 3) for x in p.bmd("total_hip")],
    }
    return text(table, separator="\t"), right(p)


@source("janitor.csv.gz", "names cleaned in R, compressed", options="--definition iscd_2019")
def _janitor() -> Made:
    p = draw(3, share_of_women=1)
    names = ("bmd_lumbar_spine_g_cm2", "bmd_femoral_neck_g_cm2", "bmd_total_hip_g_cm2")
    table = {
        "record_id": p.ids("{}"),
        "sex": p.sex,
        "age_years": p.age,
        "height_cm": p.height,
        "weight_kg": p.weight,
        **_bmd(p, names),
    }
    return gzip.compress(text(table), mtime=0), right(p)


@source("clinic_gbk.csv", "GBK; three identifiers and names of people", known=ZHANG)
def _gbk() -> Made:
    p = draw(4, share_of_women=1)
    table = {
        "姓名": [f"受试者{i}" for i in p.n],
        "住院号": [f"ZY{i // 2 * 2:05d}" if i % 20 == 0 else f"ZY{i:05d}" for i in p.n],
        "门诊号": [f"MZ{i:06d}" for i in p.n],
        "身份证号": [f"11010119{2019 - a - 1900:02d}01{i:02d}{i:04d}" for i, a in enumerate(p.age)],
        "性别": ["女"] * len(p),
        "年龄": p.age,
        **_bmd(p, ("腰椎骨密度(g/cm2)", "股骨颈骨密度(g/cm2)", "全髋骨密度(g/cm2)"), ZHANG_2007),
    }
    return text(table, encoding="gbk"), right(p)


@source("taiwan_big5.csv", "traditional Chinese, Big5", advised=REPORTED)
def _big5() -> Made:
    p = draw(5)
    table = {
        "病歷號": p.ids("{:08d}"),
        "性別": p.words("女", "男"),
        "年齡": p.age,
        "身高(公分)": p.height,
        "體重(公斤)": p.weight,
        **_scores(p, ("腰椎T值", "股骨頸T值", "全髖T值")),
    }
    return text(table, encoding="big5"), right(p)


@source("japan_shift_jis.csv", "Shift-JIS; YAM in per cent beside T-scores", advised=REPORTED)
def _japan() -> Made:
    p = draw(6)
    yam = [round(100 + 11.5 * float(t)) for t in p.t["lumbar_spine"]]
    table = {
        "患者ID": p.ids(),
        "性別": p.words("女性", "男性"),
        "年齢": p.age,
        **_bmd(p, ("腰椎BMD", "大腿骨頸部BMD", "大腿骨近位部全体BMD")),
        "腰椎YAM(%)": yam,
        **_scores(p, ("腰椎Tスコア", "大腿骨頸部Tスコア", "大腿骨近位部全体Tスコア")),
    }
    return text(table, encoding="shift_jis"), right(p)


@source("german_latin1.csv", "Latin-1, semicolons, decimal commas", advised=REPORTED)
def _german() -> Made:
    p = draw(7)
    table = {
        "Patientennummer": p.ids(),
        "Geschlecht": p.words("weiblich", "männlich"),
        "Alter": p.age,
        "Größe (cm)": p.height,
        "Gewicht (kg)": p.weight,
        **_scores(p, ("T-Score LWS", "T-Score Schenkelhals", "T-Score Gesamthüfte")),
    }
    return text(table, separator=";", encoding="latin-1", decimal=","), right(p)


@source("spanish_latin1.csv", "Latin-1, T-scores only", advised=REPORTED)
def _spanish() -> Made:
    p = draw(8)
    table = {
        "Código": p.ids(),
        "Sexo": p.words("Mujer", "Hombre"),
        "Edad (años)": p.age,
        **_scores(p, ("T-score columna lumbar", "T-score cuello femoral", "T-score cadera total")),
    }
    return text(table, encoding="latin-1"), right(p)


@source("korean_cp949.csv", "Korean, CP949", options="--encoding cp949", advised=REPORTED)
def _korean() -> Made:
    p = draw(9)
    table = {
        "환자번호": p.ids(),
        "성별": p.words("여", "남"),
        "나이": p.age,
        **_scores(p, ("요추 T점수", "대퇴경부 T점수", "대퇴골전체 T점수")),
    }
    return text(table, encoding="cp949"), right(p)


@source(
    "biobank_coding.csv",
    "sex 0 and 1, which the file does not say",
    advised=REPORTED,
    known=("--sex-coding 0=female,1=male",),
)
def _biobank() -> Made:
    p = draw(10)
    names = ("lumbar_spine_t_score", "femoral_neck_t_score", "total_hip_t_score")
    table = {"eid": p.ids("{}"), "sex": p.words(0, 1), "age": p.age, **_scores(p, names)}
    return text(table), right(p)


@source("women_only.csv", "women only, no column of sex", known=("--sex female", *ZHANG))
def _women() -> Made:
    p = draw(11, share_of_women=1)
    names = ("Lumbar spine BMD", "Femoral neck BMD", "Total hip BMD")
    return text({"ID": p.ids(), "Age": p.age, **_bmd(p, names, ZHANG_2007)}), right(p)


@source(
    "lowest_t.csv",
    "one T-score, the lowest, of no region",
    advised=("--map T-score=t_score_min", *REPORTED),
)
def _lowest() -> Made:
    p = draw(12)
    table = {
        "subject": p.ids(),
        "sex": p.words("F", "M"),
        "age": p.age,
        "T-score": p.lowest().tolist(),
    }
    return text(table), right(p)


@source("qct_g_cm3.csv", "QCT of L1 and L2 in g/cm³, no DXA")
def _qct() -> Made:
    p = draw(13)
    density = np.round(108 + 12 * p.t["lumbar_spine"], 1)
    density[np.abs(density - 80) < 2] -= 5
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Age": p.age,
        "L1 vBMD (g/cm3)": [round(float(x + 1) / 1000, 4) for x in density],
        "L2 vBMD (g/cm3)": [round(float(x - 1) / 1000, 4) for x in density],
    }
    return text(table), right(p, density < 80)


@source(
    "attenuation.csv",
    "CT attenuation [HU], no density",
    refuses="CT attenuation|HU",
    because="attenuation is no bone mineral density",
)
def _attenuation() -> Made:
    p = draw(14)
    hu = [round(110 + 18 * float(t)) for t in p.t["lumbar_spine"]]
    table = {"ID": p.ids(), "Sex": p.words("F", "M"), "Age": p.age, "L1 HU": hu, "L2 HU": hu}
    return text(table), None


@source(
    "heel_ultrasound.csv",
    "heel ultrasound, for screening only",
    refuses="ultrasound|QUS",
    because="ultrasound screens and makes no diagnosis",
)
def _ultrasound() -> Made:
    p = draw(15)
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Age": p.age,
        "Stiffness index": [round(88 + 12 * float(t)) for t in p.t["femoral_neck"]],
        "QUS T-score": p.t["femoral_neck"].tolist(),
    }
    return text(table), None


@source(
    "children.csv",
    "children of 6 to 17 years, whom Z-scores judge",
    advised=[*REPORTED, '--ages "[0, 50)"'],
    bone_class="below_expected_range",
)
def _children() -> Made:
    p = draw(16)
    z = p.t
    p = replace(p, z=z, t={region: np.round(score - 1, 1) for region, score in z.items()})
    table = {
        "ID": p.ids(),
        "Sex": p.words("girl", "boy"),
        "Age": [6 + a % 12 for a in p.age],
        **_bmd(p, ("Lumbar spine BMD", "Femoral neck BMD", "Total hip BMD")),
        **_scores(p, ("Lumbar spine T", "Femoral neck T", "Total hip T")),
        **_scores(p, ("Lumbar spine Z", "Femoral neck Z", "Total hip Z"), "z"),
    }
    return text(table), right(p, np.min(list(z.values()), axis=0) <= BELOW_EXPECTED)


@source("long_regions.csv", "a row a region", advised=REPORTED)
def _regions() -> Made:
    p = draw(17, 40)
    rows = [
        (p.ids()[i], p.sex[i], p.age[i], name, p.bmd(region)[i], float(p.t[region][i]))
        for i in p.n
        for name, region in zip(("Lumbar spine", "Femoral neck", "Total hip"), REGIONS, strict=True)
    ]
    names = ("id", "sex", "age", "region", "bmd", "t_score")
    return text(dict(zip(names, zip(*rows, strict=True), strict=True))), right(p)


@source("long_vertebrae.csv", "a row a vertebra and a row a hip region", known=ZHANG)
def _vertebrae() -> Made:
    p = draw(18, 30, share_of_women=1)
    steps = {"L1": -0.06, "L2": -0.01, "L3": 0.02, "L4": 0.05}
    rows = []
    for i, who in enumerate(p.ids()):
        spine = p.bmd("lumbar_spine", ZHANG_2007)[i]
        cells = [(name, round(spine + step, 3), 10.0) for name, step in steps.items()]
        cells.append(("Neck", p.bmd("femoral_neck", ZHANG_2007)[i], 4.5))
        cells.append(("Total hip", p.bmd("total_hip", ZHANG_2007)[i], 32.0))
        rows += [(who, "F", p.age[i], r, x, a, round(x * a, 4)) for r, x, a in cells]
    names = ("Patient ID", "Sex", "Age", "ROI", "BMD", "Area", "BMC")
    return text(dict(zip(names, zip(*rows, strict=True), strict=True))), right(p)


@source("title_and_totals.csv", "a title above, totals and a remark below", advised=REPORTED)
def _totals() -> Made:
    p = draw(19)
    table = {
        "编号": p.ids(),
        "性别": p.words("女", "男"),
        "年龄": p.age,
        **_scores(p, ("腰椎T值", "股骨颈T值", "全髋T值")),
    }
    mean = ",".join(f"{p.t[r].mean():.2f}" for r in REGIONS)
    below = f"合计,{len(p)},,,,\r\n平均,,{np.mean(p.age):.1f},{mean}\r\n"
    above = "某医院骨密度检查登记表（2019年）,,,,,\r\n"
    return text(table, encoding="utf-8-sig", above=above, below=below), right(p)


@source(
    "milligrams.csv",
    "densities in mg/cm²",
    advised=(
        "--units abmd_lumbar_spine=mg/cm2",
        "--units abmd_femoral_neck=mg/cm2",
        "--units abmd_total_hip=mg/cm2",
    ),
    known=ZHANG,
)
def _milligrams() -> Made:
    p = draw(20, share_of_women=1)
    cells = _bmd(p, ("腰椎骨密度", "股骨颈骨密度", "全髋骨密度"), ZHANG_2007)
    table = {"编号": p.ids(), "性别": ["女"] * len(p), "年龄": p.age}
    return text(table | {k: [round(x * 1000) for x in v] for k, v in cells.items()}), right(p)


@source("full_width.csv", "full-width digits and minus signs", advised=REPORTED)
def _full_width() -> Made:
    p = draw(21)
    wide = str.maketrans("0123456789.-", "０１２３４５６７８９．－")
    cells = {"年龄": p.age, **_scores(p, ("腰椎T值", "股骨颈T值", "全髋T值"))}
    table = {k: [str(x).translate(wide) for x in v] for k, v in cells.items()}
    return text({"编号": p.ids(), "性别": p.words("女", "男"), **table}), right(p)


@source("excel_serials.csv", "dates as Excel's day numbers, no age", advised=REPORTED)
def _serials() -> Made:
    p = draw(22)
    day = [(date - dt.date(1899, 12, 30)).days for date in _birth(p)]
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Date of birth": day,
        "Scan date": [(dt.date(2019, 7, 2) - dt.date(1899, 12, 30)).days] * len(p),
        **_scores(p, ("Lumbar spine T-score", "Femoral neck T-score", "Total hip T-score")),
    }
    return text(table), right(p)


@source("dicom_ages.tsv", "ages as 062Y", advised=REPORTED)
def _dicom() -> Made:
    p = draw(23)
    table = {
        "PatientID": p.ids(),
        "PatientSex": p.words("F", "M"),
        "PatientAge": [f"{age:03d}Y" for age in p.age],
        **_scores(p, ("Lumbar spine T-score", "Femoral neck T-score", "Total hip T-score")),
    }
    return text(table, separator="\t"), right(p)


@source(
    "swapped.csv",
    "T and Z changed over",
    options="--reference reported",
    known=tuple(
        f'--map "{heading} {given}={meant}_score_{region}_reported"'
        for heading, region in (
            ("Lumbar spine", "lumbar_spine"),
            ("Femoral neck", "femoral_neck"),
            ("Total hip", "total_hip"),
        )
        for given, meant in (("Z", "t"), ("T", "z"))
    ),
)
def _swapped() -> Made:
    p = draw(24, 120)
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Age": p.age,
        **_scores(p, ("Lumbar spine T", "Femoral neck T", "Total hip T"), "z"),
        **_scores(p, ("Lumbar spine Z", "Femoral neck Z", "Total hip Z")),
    }
    return text(table), right(p)


@source("whole_t.csv", "T-scores as whole numbers beside densities", known=ZHANG)
def _whole() -> Made:
    p = draw(25, share_of_women=1)
    names = ("Lumbar spine T", "Femoral neck T", "Total hip T")
    table = {
        "ID": p.ids(),
        "Sex": ["F"] * len(p),
        "Age": p.age,
        **_bmd(p, ("Lumbar spine BMD", "Femoral neck BMD", "Total hip BMD"), ZHANG_2007),
        **{k: [round(t) for t in v] for k, v in _scores(p, names).items()},
    }
    return text(table), right(p)


@source("twice.csv", "five people stand twice", advised=("--repeats first", *REPORTED))
def _twice() -> Made:
    p = draw(26, 50)
    names = ("Lumbar spine T-score", "Femoral neck T-score", "Total hip T-score")
    table = {"Patients_ID": p.ids(), "Sex": p.words("F", "M"), "Age": p.age, **_scores(p, names)}
    return text({k: [*v, *v[:5]] for k, v in table.items()}), right(p)


@source("missing_codes.csv", "9.999, -9 and 99 for missing", known=ZHANG)
def _codes() -> Made:
    p = draw(27, share_of_women=1)
    names = ("Lumbar spine BMD", "Femoral neck BMD", "Total hip BMD")
    cells = _bmd(p, names, ZHANG_2007)
    for i, code in ((3, 9.999), (11, -9), (17, 99), (23, 9.999)):
        for name in names:
            cells[name][i] = code
    seen = np.array([i not in (3, 11, 17, 23) for i in p.n])
    table = {"ID": p.ids(), "Sex": ["F"] * len(p), "Age": p.age, **cells}
    return text(table), right(p, counted=seen)


@source("radius.csv", "one third of the radius where the spine cannot be used", advised=REPORTED)
def _radius() -> Made:
    p = draw(28)
    unusable = np.array([i % 6 == 0 for i in p.n])
    radius = np.round(p.t["lumbar_spine"] - 0.3, 1)
    radius[np.isclose(radius, CUT)] -= 0.1
    used = np.where(unusable, radius, p.t["lumbar_spine"])
    lowest = np.min([used, p.t["femoral_neck"], p.t["total_hip"]], axis=0)
    spine = [None if u else float(t) for u, t in zip(unusable, p.t["lumbar_spine"], strict=True)]
    table = {
        "编号": p.ids(),
        "性别": p.words("女", "男"),
        "年龄": p.age,
        "腰椎T值": spine,
        "股骨颈T值": p.t["femoral_neck"].tolist(),
        "全髋T值": p.t["total_hip"].tolist(),
        "桡骨远端1/3 T值": radius.tolist(),
        "腰椎不可用原因": ["内固定" if u else "" for u in unusable],
    }
    return text(table), right(p, lowest <= CUT)


@source("fractures.csv", "fractures beside T-scores", advised=REPORTED)
def _fractures() -> Made:
    p = draw(29)
    broken = np.array([i % 9 == 0 for i in p.n])
    table = {
        "编号": p.ids(),
        "性别": p.words("女", "男"),
        "年龄": p.age,
        **_scores(p, ("腰椎T值", "股骨颈T值", "全髋T值")),
        "骨折部位": ["股骨颈骨折" if b else "无" for b in broken],
        "外伤史": ["平地跌倒" if b else "无" for b in broken],
        "影像学证据": ["有骨折" if b else "" for b in broken],
        "除外继发性": ["是" if b else "" for b in broken],
    }
    return text(table), right(p, (p.lowest() <= CUT) | broken)


@source("men_only.csv", "men only, no column of sex", advised=REPORTED, known=("--sex male",))
def _men() -> Made:
    p = draw(30, share_of_women=0)
    names = ("Lumbar spine T-score", "Femoral neck T-score", "Total hip T-score")
    return text({"Record": p.ids(), "Age": p.age, **_scores(p, names)}), right(p)


@source(
    "signs_in_labels.csv",
    "dollar signs and formulas in labels",
    options="--by income",
    advised=REPORTED,
)
def _signs() -> Made:
    p = draw(31, 90)
    income = ("$20,000-$44,999", "=1+1", "+$45,000", "@over")
    names = ("Lumbar spine T-score", "Femoral neck T-score", "Total hip T-score")
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Age": p.age,
        "income": [income[i % 4] for i in p.n],
        **_scores(p, names),
    }
    return text(table), right(p, together=True)


@source(
    "unicode_text.txt",
    "Excel's Unicode text (UTF-16); coxa beside a femoral neck is the total hip",
    advised=REPORTED,
)
def _unicode() -> Made:
    p = draw(32)
    table = {
        "idnum": p.ids(),
        "gender": p.words("女", "男"),
        "age": p.age,
        "lumbarT": p.t["lumbar_spine"].tolist(),
        "femoralneckT": p.t["femoral_neck"].tolist(),
        "coxaT": p.t["total_hip"].tolist(),
    }
    return text(table, separator="\t", encoding="utf-16"), right(p)
