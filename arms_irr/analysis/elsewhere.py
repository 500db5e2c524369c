"""The same numbers elsewhere: scripts for R, Stata and SPSS that hold the ratings and reproduce the statistics."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from arms_irr.analysis.crosscheck import Block, blocks, complete_block
from arms_irr.errors import ArgumentError, nearest
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.icc import icc as icc_of
from arms_irr.statistics.tally import Tally
from arms_irr.statistics.uncertainty import estimate
from arms_irr.statistics.weights import agreement_weights
from arms_irr.study.study import Study

__all__ = ["LANGUAGES", "script"]

_IRRCAC = {  # irrCAC's functions for raw ratings by our coefficients
    "percent": "pa.coeff.raw", "gwet": "gwet.ac1.raw", "brennan_prediger": "bp.coeff.raw", "fleiss": "fleiss.kappa.raw",
    "conger": "conger.kappa.raw", "krippendorff": "krippen.alpha.raw",
}  # fmt: skip
_PSYCH = {"ICC(1)": "Single_raters_absolute", "ICC(A,1)": "Single_random_raters", "ICC(C,1)": "Single_fixed_raters",
          "ICC(k)": "Average_raters_absolute", "ICC(A,k)": "Average_random_raters", "ICC(C,k)": "Average_fixed_raters"}
_WEIGHTS = (("unweighted", "identity"), ("quadratic", "quadratic"))


def script(study: Study, language: str, by: Sequence[str] = ("case",)) -> str:
    """A script that reproduces the agreement between raters of each group in another program.

    The ratings stand in it as category scores, one row per subject and one column per rater, without names: raters are
    r1, r2 ... in the order of the study. Beside each call stands the value that it has to give.

    Parameters
    ----------
    study : Study
    language : {"r", "stata", "spss"}
        R: packages irrCAC, irr and psych. Stata: kappaetc (SSC) and the official icc. SPSS: RELIABILITY.
    by : sequence of str
        Grouping columns.

    Notes
    -----
    The scripts are written from the manuals of these programs; the values beside the calls are ours. Intervals of
    irrCAC and kappaetc generalise to other subjects (our ``target="subjects"``), not to other raters.
    """
    if language not in LANGUAGES:
        raise ArgumentError(f"no scripts for {language!r}. {nearest(language, LANGUAGES)}Choose from {', '.join(LANGUAGES)}.")
    found = list(blocks(study, by))
    if not found:
        raise ArgumentError("no group here has two subjects and two raters: nothing can be reproduced elsewhere")
    comment = {"r": "#", "stata": "*", "spss": "*"}[language]
    stop = "." if language == "spss" else ""
    title = _plain(study.title)
    head = [
        f"Ratings of {title}{', SYNTHETIC DATA' if study.synthetic else ''}, written by arms-irr crosscheck --emit {language}{stop}",
        f"Rows are subjects, columns raters, numbers category scores{stop}",
        f"Values after 'expected' are those of arms_irr{stop}",
    ]
    lines = [f"{comment} {line}" for line in head]
    names: dict[str, int] = {}
    for block in found:
        name = _name(block.group, names)
        lines += ["", f"{comment} {_plain(', '.join(f'{k} {v}' for k, v in block.group.items()) or 'all')}{stop}", *LANGUAGES[language](name, block)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text that cannot end a comment or a command: printable ASCII on one line, no full stop, no comment marks."""
    return " ".join(re.sub(r"[^A-Za-z0-9 ,_-]+", " ", text).split())


def _name(group: dict[str, str], taken: dict[str, int]) -> str:
    """A name of at most 24 letters that every program takes, different for every group."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(group.values()) or "all").strip("_").lower()[:20]
    name = name if name[:1].isalpha() else f"g_{name}".rstrip("_")
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}_{taken[name]}"


def _value(name: str, block: Block, weights: str) -> float:
    scores = block.scores
    return estimate(COEFFICIENTS[name], Tally.from_codes(block.codes, scores), agreement_weights(weights, scores), weights=weights).value


def _complete(block: Block) -> Block:
    return replace(block, codes=complete_block(block.codes))


def _numbers(block: Block, missing: str) -> list[list[str]]:
    texts = [f"{score:g}" for score in block.scores] + [missing]
    return [[texts[code if code >= 0 else -1] for code in row] for row in block.codes.tolist()]


def _r(name: str, block: Block) -> list[str]:
    scores = ", ".join(f"{score:g}" for score in block.scores)
    lines = [*_r_matrix(name, block), ""]
    for theirs, weights in _WEIGHTS:
        for ours, function in _IRRCAC.items():
            how = f'"{theirs}"' if theirs == "unweighted" else f"irrCAC::{theirs}.weights(c({scores}))"
            call = f"irrCAC::{function}({name}, weights = {how}, categ.labels = c({scores}))$est"
            lines.append(f"print({call})  # expected {_value(ours, block, weights):.6f}")
    whole = _complete(block)
    if min(whole.codes.shape) < 2:
        return lines
    complete = f"{name}_complete"
    lines += ["", "# irr and psych take complete ratings only", *_r_matrix(complete, whole), ""]
    lines.append(f"print(irr::kappam.fleiss({complete})$value)  # expected {_value('fleiss', whole, 'identity'):.6f}")
    lines.append(f"print(irr::kappam.fleiss({complete}, exact = TRUE)$value)  # Conger; expected {_value('conger', whole, 'identity'):.6f}")
    scored = whole.scores[whole.codes]
    lines.append("# lmer = FALSE: mean squares, not truncated REML. ICC1 is ICC(1), ICC2 is ICC(A,1), ICC3 is ICC(C,1)")
    lines.append(f"print(psych::ICC({complete}, lmer = FALSE)$results)")
    for form, row in _PSYCH.items():
        found = icc_of(scored, form)
        lines.append(f"#   {row}: expected {form} {found.value:.6f} ({found.ci_low:.6f} to {found.ci_high:.6f})")
    return lines


def _r_matrix(name: str, block: Block) -> list[str]:
    rows = ",\n  ".join(", ".join(row) for row in _numbers(block, "NA"))
    n, r = block.codes.shape
    return [f"{name} <- matrix(c(\n  {rows}), nrow = {n}, ncol = {r}, byrow = TRUE)"]


def _stata(name: str, block: Block) -> list[str]:
    raters = [f"r{j + 1}" for j in range(block.codes.shape[1])]
    scores = " ".join(f"{score:g}" for score in block.scores)
    lines = ["* needs: ssc install kappaetc", *_stata_data(raters, _numbers(block, "."))]
    for theirs, weights in (("identity", "identity"), ("quadratic", "quadratic")):
        lines.append(f"kappaetc r1-r{len(raters)}, wgt({theirs}) categories({scores})")
        lines += [f"*   expected {COEFFICIENTS[ours].title}: {_value(ours, block, weights):.6f}" for ours in _IRRCAC]
    whole = _complete(block)
    if min(whole.codes.shape) < 2:
        return lines
    r = whole.codes.shape[1]
    lines += [f"* {name}: the official icc takes complete ratings only", *_stata_data(raters[:r], _numbers(whole, ".")),
              "generate subject = _n", "reshape long r, i(subject) j(rater)"]
    scored = whole.scores[whole.codes]
    for call, forms in (("icc r subject", ("ICC(1)", "ICC(k)")), ("icc r subject rater, absolute", ("ICC(A,1)", "ICC(A,k)")),
                        ("icc r subject rater, mixed consistency", ("ICC(C,1)", "ICC(C,k)"))):
        lines.append(call)
        lines += [f"*   expected {form}: {icc_of(scored, form).value:.6f}" for form in forms]
    return lines


def _stata_data(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["clear", f"input {' '.join(names)}", *(" ".join(row) for row in rows), "end"]


def _spss(name: str, block: Block) -> list[str]:
    whole = _complete(block)
    n, r = whole.codes.shape
    if n < 2 or r < 2:
        return ["* No two subjects were rated by the same two raters."]
    scored = whole.scores[whole.codes]
    raters = f"r1 TO r{r}"
    lines = [
        f"* RELIABILITY takes complete ratings only: {n} subjects, {r} raters.",
        f"DATASET CLOSE ALL.\nDATA LIST FREE / {raters}.\nBEGIN DATA",
        *(" ".join(row) for row in _numbers(whole, "")), "END DATA.", f"DATASET NAME {name}.",
    ]  # fmt: skip
    for model, forms in (("MODEL(ONEWAY)", ("ICC(1)", "ICC(k)")), ("MODEL(RANDOM) TYPE(ABSOLUTE)", ("ICC(A,1)", "ICC(A,k)")),
                         ("MODEL(RANDOM) TYPE(CONSISTENCY)", ("ICC(C,1)", "ICC(C,k)"))):
        lines.append(f"RELIABILITY\n  /VARIABLES={raters}\n  /SCALE('ALL') ALL\n  /MODEL=ALPHA\n  /ICC={model} CIN=95 TESTVAL=0.")
        for form in forms:
            found = icc_of(scored, form)
            measure = "Single" if form.endswith("1)") else "Average"
            lines.append(f"* {measure} measures, expected {form} {found.value:.6f}, {found.ci_low:.6f} to {found.ci_high:.6f}.")
    return lines


LANGUAGES: dict[str, Callable[[str, Block], list[str]]] = {"r": _r, "stata": _stata, "spss": _spss}
