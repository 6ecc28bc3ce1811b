"""The methods paragraph in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from osteo_epi.diagnosis import MAKERS
from osteo_epi.language import catalogue
from osteo_epi.norms import GRADE_MEANING
from osteo_epi.report.methods._paragraph import Paragraph

ROIS = {
    "lumbar_spine": "腰椎（L1—L4）",
    "femoral_neck": "股骨颈",
    "total_hip": "全髋",
    "radius_33": "桡骨远端1/3",
    "femoral_neck_ctxa": "股骨颈（CTXA）",
    "total_hip_ctxa": "全髋（CTXA）",
}
SPINE = {
    "all_four": "腰椎要求L1—L4全部4个椎体可用。",
    "at_least_two": "腰椎要求L1—L4中至少2个椎体可用。",
    "given_total": "腰椎骨密度采用数据所给的合计值。",
}
HIPS = {
    "lowest": "两侧髋部均有测量值者取骨密度较低侧。",
    "left": "两侧髋部均有测量值者取左侧。",
    "right": "两侧髋部均有测量值者取右侧。",
    "mean": "两侧髋部均有测量值者取两侧均值。",
}
REASONS = {
    "not examined": "未接受检查者",
    "pregnant": "妊娠者",
    "weight of zero": "无抽样权重者",
    "age missing": "年龄不详者",
}
OPEN = {
    "not_established": "按无脆性骨折",
    "established": "按有脆性骨折",
    "unknown": "按骨折状态不详",
}
INTERVALS = {
    "logit": "logit变换的Wald法",
    "likelihood": "经Rao–Scott校正的轮廓似然法",
    "beta": "Korn–Graubard法（beta分布）",
    "mean": "Wald法",
    "wilson": "基于有效样本量的Wilson法",
    "agresti_coull": "基于有效样本量的Agresti–Coull法",
    "jeffreys": "基于有效样本量的Jeffreys法",
    "clopper_pearson": "基于有效样本量的Clopper–Pearson法",
}
LONELY = {
    "certainty": "不计入方差",
    "adjust": "以全部单位的均值为中心计算方差",
    "average": "取其他层方差的均值",
    "remove": "在计算方差时剔除",
}


class Chinese(Paragraph):
    """A study and its definition in Chinese sentences, see `English`."""

    def sentences(self) -> list[str]:
        """As in English."""
        return [
            self._data(),
            self._people(),
            self._incomplete(),
            *(self._densities() if self.by_dxa else []),
            self._qct_scans(),
            self._definition(),
            self._scores(),
            self._grades(),
            self._z_scores(),
            self._ctxa(),
            self._qct(),
            *self._fractures(),
            self._menopause(),
            self._apart(),
            self._standard(),
            self._affected(),
            *self._design(),
            self._interval(),
            "置信区间已计入本研究青年参考值的抽样误差。"
            if self.study.counts_reference_error
            else "",
            self._shown(),
            f"统计分析采用osteo-epi {self.study.version}软件。",
        ]

    def _data(self) -> str:
        study = self.study
        if study.cycles:
            cycles = "、".join(cycle.replace("-", "—") for cycle in study.cycles)
            return f"数据来自美国国家健康与营养调查（NHANES）{cycles}年公开数据文件。"
        if study.is_simulated:
            return (
                "本数据为模拟数据，并非真实人群，结果仅用于检验分析流程，"
                "不能说明任何人群的患病情况。"
            )
        where = f"{study.n_centres:,}个中心" if study.n_centres > 1 else ""
        when = f"{_years(*study.years)}" if study.years else ""
        examined = "接受检查的" if where or when else ""
        source = f"（{study.label}）" if study.label else ""
        return f"数据为{where}{when}{examined}{study.n_in:,}人的记录{source}。"

    def _people(self) -> str:
        study = self.study
        ages = (
            f"{study.ages[0]:g}岁及以上"
            if study.ages[1] == float("inf")
            else f"{study.ages[0]:g}~{study.ages[1] - 1:g}岁"
        )
        left_out = "、".join(f"{_reason(why)}{n:,}人" for why, n in study.left_out.items())
        of_all = "" if self.says_n else f"共{study.n_in:,}人，"
        out = f"{of_all}排除{left_out}后，" if left_out else ""
        analysed = (
            "均可分类并纳入分析"
            if not study.n_missing
            else f"其中{study.n:,}人可分类并纳入分析，{study.n_missing:,}人"
            f"（{self.share(study.n_missing)}%）无法分类，按缺失处理，不计为健康"
        )
        by_z = study.n_judged_by_z
        only = f"纳入分析者中{by_z:,}人仅适用Z值，按无骨质疏松计。" if by_z else ""
        return f"{out}{ages}者{self.n_of_age:,}人，{analysed}。{only}"

    def _incomplete(self) -> str:
        n = self.study.n_incomplete
        return (
            f"因患病率估计仅纳入所需部位均有测量值者，缺失者中包括{n:,}人，"
            "其某一部位已达骨质疏松而另有所需部位未测量。"
            if n
            else ""
        )

    def _densities(self) -> list[str]:
        if not self.definition.states_regions:
            return ["采用数据所报告的最低T值，其测量部位未说明。"]
        rois = _listed([ROIS.get(roi, roi) for roi in self.regions()])
        makers = _listed([MAKERS.get(maker, maker) for maker in self.study.makers])
        models = _listed(list(self.study.devices))
        named = f"{makers}（{models}）" if makers and models else makers or models
        stands_in = self.definition.substitute in self.study.rois
        return [
            f"采用{named}双能X线骨密度仪（DXA）测量{rois}的面积骨密度。",
            "" if named else "数据未注明骨密度仪的厂家。",
            SPINE.get(self.definition.spine_rule.name, "") if self.study.has_vertebrae else "",
            HIPS[self.definition.hip_side] if self.study.has_both_hips else "",
            f"某一部位不可用者以{ROIS.get(str(self.definition.substitute))}代替。"
            if stands_in
            else "",
        ]

    def _qct_scans(self) -> str:
        if not (self.by_qct or self.by_ctxa):
            return ""
        places = ["腰椎松质骨体积骨密度"] if self.by_qct else []
        places += ["髋部面积骨密度（CTXA）"] if self.by_ctxa else []
        by = f"，校准方法为{'、'.join(self.study.calibrations)}" if self.study.calibrations else ""
        return f"采用定量CT（QCT）测量{_listed(places)}{by}。"

    def _definition(self) -> str:
        criterion = self.definition.criterion
        name = criterion.title_zh or f"“{criterion.title}”"
        text = f"骨质疏松的诊断依据为{name}{self.cited('criterion').strip()}"
        if not self.by_score:
            return f"{text}。"
        of = "上述部位的" if self.by_dxa and self.definition.states_regions else ""
        return f"{text}，按{of}最低T值分为{self._classes('t')}。"

    def _classes(self, scale: str) -> str:
        return _listed([f"{name}（{limit}）" for name, limit in self.limits(scale, "zh")])

    def _scores(self) -> str:
        if not self.by_score:
            return ""
        if self.is_reported:
            return "T值采用设备报告值，其青年参考值不详。"
        sexes = {"own_sex": "同性别青年", "female": "青年女性（男女共用）"}
        whose = sexes[self.definition.sex_rule]
        reference = self.definition.reference
        title = reference.title_zh or reference.title
        source = "" if self.is_own else self.cited("young-adult reference").strip()
        named = title if self.is_own else f"“{title}”{source}"
        return f"T值以{named}中{whose}的均值和标准差计算，分类前不作四舍五入。"

    def _grades(self) -> str:
        texts, meanings = [], catalogue("zh")
        for grade, places in self.grades().items():
            where = [f"{_SEXES.get(s or '', '')}{_plain(r)}" for r, s in places]
            name = f"{grade}级" if len(grade) == 1 else meanings[grade]
            texts.append(f"{_listed(where)}为{name}（{meanings[GRADE_MEANING[grade]]}）")
        return f"参考值按可核实程度分级：{'，'.join(texts)}。" if texts else ""

    def _z_scores(self) -> str:
        aged = self.definition.age_reference
        if not self.study.has_z_scores or aged is None:
            return ""
        source = self.cited("age reference").strip()
        against = (
            "设备报告的Z值"
            if self.is_reported
            else f"Z值（参考值为“{aged.title_zh or aged.title}”{source}）"
        )
        return f"不适用T值者（如绝经前女性）按{against}分为{self._classes('z')}。"

    def _ctxa(self) -> str:
        if not self.by_ctxa:
            return ""
        own, text = self.definition.ctxa_reference, "髋部CTXA面积骨密度按相同T值标准分类"
        if own is not None:
            number = self.cited("young-adult reference, CTXA").strip()
            return f"{text}，青年参考值为“{own.title_zh or own.title}”{number}。"
        return f"{text}{'，参考人群由DXA测得' if self.definition.on_dxa('t') else ''}。"

    def _qct(self) -> str:
        if not self.by_qct:
            return ""
        return f"有QCT测量值者，按2个腰椎椎体的平均体积骨密度（vBMD）分为{self._classes('vbmd')}。"

    def _fractures(self) -> list[str]:
        if "fracture" not in self.definition.evidence:
            return ["诊断依据不含骨折。"]
        if "fracture" not in self.study.measured:
            return ["数据中无可确立脆性骨折的记录。"]
        n, taken = self.study.n_open_fractures, OPEN[self.definition.fracture_open]
        return [
            self._rule(),
            f"骨折记录不完整者{n:,}人，{taken}处理。" if n else "",
        ]

    def _rule(self) -> str:
        stated, from_parts = self.study.fractures_stated, self.study.fractures_from_parts
        if stated and not from_parts:
            return "脆性骨折以数据自身的判断为准，有脆性骨折者不论骨密度均诊断为骨质疏松。"
        number = self.cited("vertebral fracture").strip()
        also = "；数据已直接判断有无脆性骨折者，以其判断为准" if stated else ""
        return (
            "有脆性骨折者不论骨密度均诊断为骨质疏松；脆性骨折指无外伤或轻微外伤后发生、有影像学证据、"
            f"并已除外继发性骨质疏松的骨折，椎体骨折以Genant {self.definition.genant_from}度"
            f"及以上计{number}{also}。"
        )

    def _menopause(self) -> str:
        n = self.by_age_alone
        return f"绝经状态缺失的女性{n:,}人，按年龄推定。" if n else ""

    def _apart(self) -> str:
        if not self.study.counts_fractures_apart:
            return ""
        return (
            "患病率按f +（1 − f）·q估计，其中f为骨折状态已知者中有脆性骨折者的比例，"
            "q为无脆性骨折且所需部位均有测量值者中按骨密度属该类者的比例。"
        )

    def _standard(self) -> str:
        standard = self.study.standard
        if standard is None:
            return "患病率未作年龄标准化。"
        number = self.cited("standard population").strip()
        title = standard.title_zh or standard.title
        return f"患病率采用直接法按{title}{number}进行年龄标准化。"

    def _affected(self) -> str:
        of, standard = self.study.people_affected, self.study.standard
        if of == "weights":
            return "患病人数为粗患病率乘以抽样权重所代表的人口数，无法分类者视同可分类者。"
        if of == "standard" and standard is not None:
            return f"患病人数对应于{standard.title_zh or standard.title}。"
        return ""

    def _design(self) -> list[str]:
        if not self.study.design:
            return ["研究对象按简单随机样本处理。"]
        parts = self.design()
        weighted = f"各项估计均经加权（权重变量{parts['weights']}）。" if "weights" in parts else ""
        if "replicates" in parts:
            return [weighted, f"方差采用重复权重估计（{parts['replicates']}）。"]
        named = [f"分层变量为{parts['strata']}"] if "strata" in parts else []
        named += [f"抽样单位变量为{parts['units']}"] if "units" in parts else []
        named += [f"有限总体校正变量为{parts['fpc']}"] if "fpc" in parts else []
        with_names = f"（{'，'.join(named)}）" if named else ""
        lonely = LONELY.get(parts.get("lonely", ""), "")
        return [
            weighted,
            f"方差采用泰勒级数线性化法估计{with_names}，亚人群作为域处理。",
            f"仅含一个单位的层{lonely}。" if lonely else "",
        ]

    def _interval(self) -> str:
        level, kind = f"{self.study.confidence * 100:g}%", INTERVALS[self.study.interval]
        return f"{level}置信区间采用{kind}计算。"

    def _shown(self) -> str:
        number = self.cited("rule of presentation").strip()
        return (
            f"按美国国家卫生统计中心的数据呈现标准{number}，精度不足的估计不予显示或加以标注。"
            if number
            else ""
        )


_SEXES = {"female": "女性", "male": "男性"}


def _reason(reason: str) -> str:
    """A reason of the flow; ages stand in two forms."""
    if reason.startswith("younger than "):
        return f"年龄小于{reason.removeprefix('younger than ')}岁者"
    if reason.endswith(" years or older"):
        return f"年龄{reason.removesuffix(' years or older')}岁及以上者"
    return REASONS.get(reason, reason)


def _plain(roi: str) -> str:
    return ROIS.get(roi, roi).removesuffix("（L1—L4）")


def _years(first: int, last: int) -> str:
    return f"{first}年" if first == last else f"{first}—{last}年"


def _listed(words: Sequence[str]) -> str:
    return f"{'、'.join(words[:-1])}和{words[-1]}" if len(words) > 1 else "".join(words)
