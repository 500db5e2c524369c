"""Sections on agreement between officers and on the intraclass correlation."""

from __future__ import annotations

from arms_irr import plots
from arms_irr.analysis.design import FEW
from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Block, Column, Paragraph, Section, Table
from arms_irr.reporting.draft import Draft, coefficients_cells, estimates_table, nothing
from arms_irr.reporting.naming import coefficient_name
from arms_irr.reporting.wording import base, coefficient, number, percent, plural
from arms_irr.statistics.estimate import Estimate

__all__ = ["between_section", "icc_section"]


def between_section(draft: Draft) -> Section:
    """Several coefficients side by side, per case or band, and by factor where a single subject allows it."""
    found = draft.findings
    by_case = found.between_by_band if draft.many_cases else found.between_by_case
    title = "Agreement between officers"
    if nothing(by_case):
        return Section("between", title, (Paragraph("No case was rated by two officers, so agreement between officers cannot be estimated."),))
    column = by_case.by[0]
    names = draft.names.bands if column == "risk_band" else draft.names.cases
    caption = (f"Coefficients of agreement between officers with {draft.interval_head}s, by {'risk band' if column == 'risk_band' else 'case'}. "
               f"Base: {plural(len(draft.study.raters), 'officer')}; subjects are pairs of case and factor.")
    blocks: list[Block] = [
        Paragraph("Two officers can agree with each other and both miss the gold standard; this section is about the first only. "
                  "The coefficients set the same observed agreement against different ideas of chance. "
                  "A low kappa or alpha beside a high percent agreement says that the subjects differ little, not that officers disagree."),
        draft.figure("fig-between", _finding(by_case), caption,
                     _alt(by_case, names), plots.coefficients, by_case, names={**draft.names.all, **names}),
        _table("between", "Agreement between officers" + (" by risk band." if column == "risk_band" else " by case."), by_case, names, draft),
    ]
    if draft.many_cases:
        blocks.append(Paragraph("The same coefficients for every single case stand in tables/between_raters.csv."))
    blocks.append(_kind_table(draft))
    if not draft.many_cases:
        blocks.append(_factor_table(draft))
    return Section("between", title, tuple(blocks))


def _finding(result: Result) -> str:
    values = [row.estimate.value for row in result if row.estimate.estimable]
    if max(values) - min(values) < 0.1:
        return "Every coefficient gives much the same value"
    return "The same ratings give low or high values, depending on the coefficient's idea of chance"


def _alt(result: Result, names: dict[str, str]) -> str:
    column = result.by[0]
    parts = []
    for value, rows in result.split(column).items():
        own = [row for row in rows if row.estimate.estimable]
        if own:
            low, high = min(own, key=lambda r: r.estimate.value), max(own, key=lambda r: r.estimate.value)
            parts.append(f"{names.get(value, value)}: from {coefficient_name(low.coefficient, low.estimate.weights)} "
                         f"{coefficient(low.estimate.value)} to {coefficient_name(high.coefficient, high.estimate.weights)} "
                         f"{coefficient(high.estimate.value)}")
    return "Dots with intervals for each coefficient. " + "; ".join(parts) + "."


def _table(id: str, caption: str, result: Result, names: dict[str, str], draft: Draft) -> Table:
    column = result.by[0]
    rows, groups = [], []
    for value, own in result.split(column).items():
        for row in own:
            e = row.estimate
            rows.append(([coefficient_name(row.coefficient, e.weights), coefficient(e.observed, table=True), coefficient(e.expected, table=True),
                          str(e.n_subjects), str(e.n_raters)], [e]))
        groups.append((names.get(value, value), len(own)))
    head = [Column("Coefficient"), Column("Observed agreement"), Column("Chance agreement"), Column("Subjects"), Column("Officers"),
            Column("Value"), Column(draft.interval_head)]
    return estimates_table(id, caption, head, rows, cells=coefficients_cells, groups=groups, after=_prevalence(result, names),
                           notes=("Value = (observed − chance) / (1 − chance). Subjects are pairs of case and factor.",))


def _prevalence(result: Result, names: dict[str, str]) -> list[str]:
    """How uneven the categories are: without it a chance-corrected value cannot be read."""
    column = result.by[0]
    parts = []
    for row in result.where("percent"):
        share = row.estimate.parts.get("largest_share")
        text = f"{names.get(row[column], row[column])} {percent(share)}" if share is not None else ""
        if text and text not in parts:
            parts.append(text)
    return [f"Share of the category used most: {', '.join(parts)}."] if parts else []


def _kind_table(draft: Draft) -> Table:
    """A row for each kind in each band: exact agreement and three views of chance."""
    found, names, band = draft.findings.between_by_kind_band, draft.names, draft.findings.band
    kappa = next((name for name in ("conger", "fleiss") if found.where(name).rows), "conger")
    wanted = [("percent", "identity"), ("gwet", "quadratic"), ("krippendorff", "ordinal metric"), (kappa, "quadratic")]
    rows, groups = [], []
    for value, part in found.split(band).items():
        kinds = part.split("kind")
        for kind, cell in kinds.items():
            own = {(row.coefficient, row.estimate.weights): row.estimate for row in cell}
            cells = [own.get(key, Estimate(float("nan"), flags=("mixed-scales",))) for key in wanted]
            rows.append(([f"{names.kind(kind)} ({plural(cells[0].n_subjects, 'subject')})"], cells))
        groups.append((names.bands[value], len(kinds)))
    head = [Column("Kind")]
    for title in ("Percent agreement, exact", "Gwet's AC2", "Alpha, ordinal", f"{coefficient_name(kappa)}, quadratic"):
        head += [Column(title), Column(draft.interval_head)]
    return estimates_table("between-kinds", "Agreement between officers by kind of factor and risk band.", head, rows,
                           cells=coefficients_cells, groups=groups, notes=("Subjects are pairs of case and factor.",))


def _factor_table(draft: Draft) -> Table:
    """Percent agreement, AC2 and r_WG for each factor and case: what one subject can carry."""
    found = draft.findings.between_by_factor_case
    wanted = (("percent", "identity"), ("gwet", "quadratic"), ("r_wg", ""))
    rows, groups = [], []
    for case in draft.study.cases:
        factors = found.where(case=case).split("factor")
        for factor, own in factors.items():
            cells = [own.get(name, weights or None) for name, weights in wanted]
            rows.append(([draft.names.factor(factor), str(cells[0].n_raters)], cells))
        groups.append((draft.names.cases[case], len(factors)))
    head = [Column("Factor"), Column("Officers")]
    for title in ("Percent agreement, exact", "Gwet's AC2", "r_WG"):
        head += [Column(title), Column(draft.interval_head)]
    return estimates_table("between-factors", "Agreement between officers by factor and case. A single subject carries no kappa, alpha or ICC.",
                           head, rows, cells=coefficients_cells, groups=groups,
                           notes=("r_WG: 1 less the variance of the ratings over that of ratings spread evenly over the scale.",))


# --- ICC --------------------------------------------------------------------------------------------------


def icc_section(draft: Draft) -> Section:
    """By factor and risk band where the design carries it; in words why not where it does not."""
    found, names, study = draft.findings, draft.names, draft.study
    by_factor, by_kind, by_case = found.icc_by_factor_band, found.icc_by_kind_band, found.icc_by_case
    blocks: list[Block] = []
    if nothing(by_factor):
        blocks.append(Paragraph(
            f"No intraclass correlation is given for single factors: each rests on {plural(len(study.cases), 'case')} in all, and an ICC by factor "
            f"and band needs at least {FEW} cases in a band. Read the agreement with the gold standard, percent agreement, Gwet's AC and r_WG by factor instead."))
    else:
        blocks += [Paragraph(_words(draft, by_factor)), _icc_table("icc-factors", "ICC(A,1) by factor and risk band: single officers, absolute "
                                                                   "agreement; subjects are cases.", by_factor, draft)]
    if not nothing(by_kind):
        blocks.append(_icc_table("icc-kinds", "ICC(A,1) by kind of factor and risk band; subjects are pairs of case and factor.", by_kind, draft))
    if not nothing(by_case):
        blocks.append(Paragraph("Within a case, the factors can serve as subjects. The ICC then says how well officers reproduce the same profile of "
                                "priorities for that person. It says nothing about telling persons apart."))
        if not draft.many_cases:
            rows = [([names.cases[row["case"]], str(row.estimate.n_subjects), str(row.estimate.n_raters), str(row.estimate.n_ratings)],
                     [row.estimate]) for row in by_case]
            head = [Column("Case"), Column("Factors"), Column("Officers"), Column("Ratings"), Column("ICC(A,1)"), Column(draft.interval_head)]
            blocks.append(estimates_table("icc-cases", "ICC(A,1) of the profile of factors within each case.", head, rows, cells=coefficients_cells))
        else:
            values = [row.estimate.value for row in by_case if row.estimate.estimable]
            blocks.append(Paragraph(f"Over the {plural(len(values), 'case')} it lies between {coefficient(min(values))} and "
                                    f"{coefficient(max(values))}; the values with their intervals stand in tables/icc.csv."))
    return Section("icc", "Intraclass correlation", tuple(blocks))


def _words(draft: Draft, result: Result) -> str:
    rows = [row for row in result if row.estimate.estimable]
    low, high = min(rows, key=lambda r: r.estimate.value), max(rows, key=lambda r: r.estimate.value)
    band = draft.findings.band

    def words(row) -> str:
        e: Estimate = row.estimate
        return (f"{draft.names.factor(row['factor'])} {draft.names.where(row[band])} "
                f"({coefficient(e.value)}, {base(e, scale=1, decimals=2).strip('()')})")

    return (f"The ICC is highest for {words(high)} and lowest for {words(low)}. It rises with the spread of the cases as well as with the agreement "
            "of officers, so a low value beside a high percent agreement points to cases that are alike.")


def _icc_table(id: str, caption: str, result: Result, draft: Draft) -> Table:
    band = draft.findings.band
    first = next(by for by in result.by if by != band)
    label = draft.names.factor if first == "factor" else draft.names.kind
    rows, groups = [], []
    for value, own in result.split(band).items():
        for row in own:
            e = row.estimate
            parts = [number(e.parts[name], 3) if e.parts.get(name) is not None else "n/a" for name in ("subject", "rater", "residual")]
            rows.append(([label(row[first]), str(e.n_subjects), str(e.n_raters), *parts], [e]))
        groups.append((draft.names.bands[value], len(own)))
    head = [Column("Factor" if first == "factor" else "Kind"), Column("Subjects"), Column("Officers"), Column("Variance", "subjects"),
            Column("Variance", "officers"), Column("Variance", "residual"), Column("ICC(A,1)"), Column(draft.interval_head)]
    return estimates_table(id, caption, head, rows, cells=coefficients_cells, groups=groups)
