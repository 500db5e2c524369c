"""Does the overall priority follow from the officer's own factor ratings, and where does disagreement on it come from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtrit

from arms_irr.analysis.design import FEW, PLAIN
from arms_irr.analysis.ratability import share
from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError
from arms_irr.instruments.model import NOT_GIVEN, UNABLE
from arms_irr.instruments.rules import consistent_overall, predominant, rated
from arms_irr.statistics.estimate import Estimate, check_confidence, undefined
from arms_irr.statistics.jackknife import variance
from arms_irr.study.study import Study

__all__ = ["has_guide", "overall_consistency", "overall_integration"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
_OWN = ("risk", "protective", "item")  # cues that an officer may weigh in a way of his or her own
_LEAST = 1e-10  # of an eigenvalue of a correlation matrix: below it a column follows from the others


def has_guide(study: Study) -> bool:
    """Whether the instrument has the predominance guide and the study has overall ratings."""
    return _overall(study) is not None and bool(study.instrument.rules.get("predominance"))


def _overall(study: Study) -> int | None:
    return next((i for i in study.factors_rated if study.instrument.factors[i].kind == "overall"), None)


@dataclass(frozen=True, eq=False)
class _Sheets:
    """One row for each officer, case and occasion whose overall priority was given.

    ``codes`` (S, F) are the ratings of all factors (NOT_GIVEN where not asked for), ``overall`` (S,) the overall
    priority. Sorted by officer.
    """

    rater: Ints
    case: Ints
    occasion: Ints
    codes: Ints
    overall: Ints

    @property
    def subject(self) -> Ints:
        """(S,) a number for each case and occasion, from 0."""
        key = self.case.astype(np.int64) * (int(self.occasion.max(initial=0)) + 1) + self.occasion
        return np.unique(key, return_inverse=True)[1].ravel()

    def __getitem__(self, rows: Ints) -> _Sheets:
        return _Sheets(self.rater[rows], self.case[rows], self.occasion[rows], self.codes[rows], self.overall[rows])


def _sheets(study: Study, overall: int) -> _Sheets:
    r = study.ratings  # sorted by rater, case and occasion
    new = np.ones(len(r), dtype=bool)
    new[1:] = (np.diff(r.rater) != 0) | (np.diff(r.case) != 0) | (np.diff(r.occasion) != 0)
    codes = np.full((int(new.sum()), len(study.instrument.factors)), NOT_GIVEN, dtype=np.int8)
    codes[np.cumsum(new) - 1, r.factor] = r.code
    every = _Sheets(r.rater[new], r.case[new], r.occasion[new], codes, codes[:, overall])
    return every[np.flatnonzero(every.overall >= 0)]


# --- the guide --------------------------------------------------------------------------------------------


def overall_consistency(study: Study, *, confidence_level: float = 0.95) -> Result:
    """Share of overall ratings that the predominance guide allows, given the same officer's factor ratings, by case.

    A check of consistency only: the guide's words are the paper's, their reading as rules is ours
    (:func:`arms_irr.instruments.rules.consistent_overall`), and the paper leaves the overall priority to
    professional judgement. Sheets without any factor priority do not count.

    Raises
    ------
    ArgumentError
        When the instrument has no guide or the study no overall ratings.
    """
    overall = _overall(study)
    if overall is None or not has_guide(study):
        raise ArgumentError("the predominance guide needs an instrument that has it and ratings of the overall priority")
    sheets = _sheets(study, overall)
    counts, urgent = _profile(study, sheets)
    allowed = _allowed(study, sheets, np.column_stack([counts, urgent]), study.instrument.factors[overall].id)
    fits, counted = allowed[np.arange(len(allowed)), sheets.overall], counts.any(axis=1)
    rows = []
    for c, case in enumerate(study.cases):
        mine = (sheets.case == c) & counted
        found = share(fits[mine], sheets.rater[mine], confidence_level)
        rows.append(Row({"case": case}, "consistent_overall", replace(found, target="raters")))
    return Result("Overall priority that the paper's guide allows", ("case",), tuple(rows), synthetic=study.synthetic)


def _profile(study: Study, sheets: _Sheets) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """All that the guide looks at: (S, q) how many factors have each category, (S,) whether a risk factor has the highest."""
    factors, ids = rated(study.instrument), study.instrument.factor_ids
    q = len(study.instrument.scale_of(factors[0].id).categories)
    codes = sheets.codes[:, [ids.index(f.id) for f in factors]]
    urgent = (codes == q - 1) & np.array([f.kind == "risk" for f in factors])
    return np.stack([(codes == k).sum(axis=1) for k in range(q)], axis=1), urgent.any(axis=1)


def _allowed(study: Study, sheets: _Sheets, profiles: Ints, overall: str) -> npt.NDArray[np.bool_]:
    """(S, overall categories) whether the guide allows each; asked once for every profile that occurs."""
    instrument, labels = study.instrument, study.instrument.scale_of(overall).categories
    ids = [f.id for f in rated(instrument)]
    columns = [instrument.factor_ids.index(id) for id in ids]
    _, first, which = np.unique(profiles, axis=0, return_index=True, return_inverse=True)
    table = np.zeros((len(first), len(labels)), dtype=bool)
    for row, sheet in enumerate(sheets.codes[first][:, columns].tolist()):
        guide = consistent_overall(instrument, dict(zip(ids, sheet, strict=True)))
        table[row] = [label in guide.consistent for label in labels]
    return table[which.ravel()]


# --- policy capturing -------------------------------------------------------------------------------------


def overall_integration(study: Study, *, confidence_level: float = 0.95) -> Result:
    """How much disagreement on the overall priority goes with different factor ratings, how much with weighing them differently.

    Policy capturing: the overall priority (in scores of its scale) is regressed by least squares on cues of the
    officer's own sheet: the mean of the risk ratings, that of the protective ratings, whether Opportunity (a factor of
    the id ``opportunity``) has the highest category, and how many factors the officer was unable to rate. Cues that do
    not vary, or that follow from others, are left out.

    Disagreement is the variance of the overall priority within a case (and occasion). Models are nested, each with an
    intercept for every case: without cues; with cues and weights common to all; with a level for each officer too; with
    own weights of the mean ratings too. Their residual mean squares s0, s1, s2, s3 give the shares (s0 - s1)/s0, (s1 -
    s2)/s0, (s2 - s3)/s0 and s3/s0, which sum to 1. Degrees of freedom are counted, so a share of nothing is 0 on
    average and may come out negative.

    Returns
    -------
    Result
        Rows by ``cue``, which is "all" but for the weights. Intervals: delete-one-officer jackknife, t with R - 1 df.

        ``policy_r2``
            Share of the variance of all overall ratings that one policy explains, adjusted for the number of cues;
            ``parts["r2"]`` unadjusted. The linear cognitive control of the lens model, for the officers as one judge.
        ``policy_weight``
            Weight of each cue in it, per score of the scale (per factor for the number unable to rate).
        ``policy_agreement``
            Share of overall ratings equal to the category nearest to what the policy of *the other* officers implies.
        ``overall_from_factors``, ``overall_from_level``, ``overall_from_weights``, ``overall_unexplained``
            The shares above. An officer's level needs two, own weights five sheets from the median officer, and both 10
            residual degrees of freedom; else "few-own-cases", and what they would hold is in the rest. ``parts`` hold
            the ``mean_square`` and its ``residual_df``.
        ``pairs_disagreeing_differ``, ``pairs_agreeing_differ``
            Among the pairs of officers who disagree (agree) on the overall priority of a case: the share whose own
            ratings have a different predominant category (ties: the higher). Alike, the predominance of the factors has
            nothing to do with disagreement. Only where the instrument has the predominance guide.

        With fewer than five cases everything is descriptive (flag "few-cases").

    Raises
    ------
    ArgumentError
        When there are no overall ratings, or no sheet with an overall priority and ratings of each kind of factor.

    References
    ----------
    Hammond, Hursch & Todd (1964), Psychological Review 71, 438-456. Tucker (1964), ibid. 528-530. Cooksey (1996),
    Judgment Analysis, ch. 4-5. Ezekiel (1930), Methods of Correlation Analysis.
    """
    level, overall = check_confidence(confidence_level), _overall(study)
    if overall is None:
        raise ArgumentError("the study has no ratings of an overall priority, so there is nothing that factor ratings could explain")
    every = _sheets(study, overall)
    sheets, cues, notes = _cues(study, every)
    scores = np.array(study.instrument.scale_of(study.instrument.factors[overall].id).scores)
    grams = _Grams.of(sheets, np.column_stack(list(cues.values())) if cues else np.empty((len(sheets.rater), 0)), scores[sheets.overall])
    found = [("all", name, e) for name, e in (_policy(grams, sheets, scores, level) | _within(grams, list(cues), level)).items()]
    found[2:2] = [(cue, "policy_weight", e) for cue, e in _weights(grams, list(cues), level).items()]
    if has_guide(study):
        found += [("all", name, e) for name, e in _pairs(study, every, level).items()]
    size = {"n_subjects": int(sheets.subject.max()) + 1, "n_raters": len(grams.sheets), "n_ratings": len(sheets.rater),
            "target": "raters", "confidence_level": level}
    few = ("few-cases",) if len(np.unique(sheets.case)) < FEW else ()
    rows = [Row({"cue": cue}, name, replace(e, **size).flagged(*few)) for cue, name, e in found]
    notes = (*notes, "An association within the same sheet: officers may have fitted factor ratings to the overall priority. "
             "Which factors were high is seen only through the cues, and what they miss counts as left over.",
             "A share below 0 is as good as 0: degrees of freedom are counted, so that nothing comes out as 0 on average.")
    return Result("Where disagreement on the overall priority comes from", ("cue",), tuple(rows), notes, synthetic=study.synthetic)


def _cues(study: Study, every: _Sheets) -> tuple[_Sheets, dict[str, Floats], tuple[str, ...]]:
    """The sheets that have all means, their cues that vary and do not follow from those before, and what was left out."""
    factors = study.instrument.factors
    kinds = [kind for kind in _OWN if any(factors[i].kind == kind for i in study.factors_rated)]
    if not kinds:
        raise ArgumentError("the study has no ratings of risk or protective factors that could explain the overall priority")
    means = {kind: _mean(study, every, [i for i in study.factors_rated if factors[i].kind == kind]) for kind in kinds}
    whole = np.flatnonzero(~np.isnan(list(means.values())).any(axis=0))
    if not len(whole):
        raise ArgumentError(f"no sheet has an overall priority and a rating of each kind of factor ({', '.join(kinds)})")
    sheets = every[whole]
    cues = {kind: mean[whole] for kind, mean in means.items()}
    at = next((i for i in study.factors_rated if factors[i].id == "opportunity"), None)
    if at is not None:
        cues["opportunity_high"] = (sheets.codes[:, at] == len(study.instrument.scale_of("opportunity").categories) - 1).astype(float)
    asked = [i for i in study.factors_rated if factors[i].kind in kinds]
    cues["unable"] = (sheets.codes[:, asked] == UNABLE).sum(axis=1).astype(float)
    kept: dict[str, Floats] = {}
    before = np.ones((len(whole), 1))
    for name, cue in cues.items():
        rest = cue - before @ np.linalg.lstsq(before, cue, rcond=None)[0]
        if rest @ rest > 1e-9 * max(cue @ cue, 1e-300):
            kept[name], before = cue, np.column_stack([before, cue])
    notes = [f"Cues of the policy: {', '.join(kept) or 'none that varies'}."]
    if left := [name for name in cues if name not in kept]:
        notes.append(f"Left out because constant or implied by the other cues: {', '.join(left)}.")
    if missing := len(every.rater) - len(whole):
        notes.append(f"Overall ratings left out, because a kind of factor has no priority on the same sheet: {missing}.")
    return sheets, kept, tuple(notes)


def _mean(study: Study, sheets: _Sheets, columns: list[int]) -> Floats:
    """(S,) mean score of the priorities given on these factors; nan where there is none."""
    total, given = np.zeros(len(sheets.rater)), np.zeros(len(sheets.rater))
    for i in columns:
        scores = np.array(study.instrument.scale_of(study.instrument.factors[i].id).scores)
        code = sheets.codes[:, i]
        total += np.where(code >= 0, scores[np.maximum(code, 0)], 0.0)
        given += code >= 0
    return np.divide(total, given, out=np.full(len(total), np.nan), where=given > 0)


@dataclass(frozen=True, eq=False)
class _Grams:
    """What every regression here needs of an officer: cross products, so that leaving an officer out is a subtraction.

    ``products`` (R, k, k) of the columns 1, cues, overall, one for each case and occasion; ``sheets`` (R,) how many;
    ``x`` (S, 1 + cues) the columns 1 and cues, ``officer`` (S,) whose they are.
    """

    products: Floats
    sheets: Ints
    x: Floats
    officer: Ints

    @classmethod
    def of(cls, sheets: _Sheets, cues: Floats, overall: Floats) -> _Grams:
        """From sheets sorted by officer; cues and overall are centred, which every model here can take up."""
        u = np.column_stack([np.ones(len(overall)), cues - cues.mean(axis=0), overall - overall.mean()])
        starts = np.flatnonzero(np.diff(sheets.rater, prepend=-1))
        officer = np.cumsum(np.diff(sheets.rater, prepend=-1) != 0) - 1
        few, subject = u.shape[1], sheets.subject
        products = np.zeros((len(starts), few + subject.max() + 1, few + subject.max() + 1))
        products[:, :few, :few] = np.add.reduceat(u[:, :, None] * u[:, None, :], starts)
        products[officer, few + subject, :few] = u
        products[officer, :few, few + subject] = u
        products[officer, few + subject, few + subject] = 1.0
        return cls(products, np.bincount(officer), u[:, :-1], officer)

    @property
    def overall(self) -> int:
        """The column of the overall priority; cues before it, cases after it."""
        return self.x.shape[1]


def _swept(products: Floats, out: Sequence[int], kept: Sequence[int]) -> tuple[Floats, Ints]:
    """Cross products of the columns kept after regression on the columns out, and the rank of the latter.

    The Schur complement C - B' A^+ B, A of the columns out, with any leading dimensions.
    """
    c = products[..., kept, :][..., kept]
    if not len(out):
        return c, np.zeros(products.shape[:-2], dtype=np.int64)
    inverse, rank = _inverse(products[..., out, :][..., out])
    b = products[..., out, :][..., kept]
    return c - np.swapaxes(b, -1, -2) @ inverse @ b, rank


def _inverse(a: Floats) -> tuple[Floats, Ints]:
    """Pseudo-inverse of symmetric positive semidefinite matrices, judged on the scale of correlations, and their rank."""
    squares = np.diagonal(a, axis1=-2, axis2=-1)
    there = squares > _LEAST * np.maximum(1.0, squares.max(axis=-1, keepdims=True))
    size = np.sqrt(np.where(there, squares, np.inf))
    values, vectors = np.linalg.eigh(a / size[..., :, None] / size[..., None, :])
    kept = values > _LEAST
    inverse = (vectors * np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return inverse / size[..., :, None] / size[..., None, :], kept.sum(axis=-1)


def _mean_square(grams: _Grams, own: Sequence[int], common: Sequence[int]) -> tuple[Floats, Floats]:
    """Residual mean square of the overall priority and its degrees of freedom: of the study, then without each officer.

    Each officer has coefficients of his or her own for the columns ``own``, all have the same for ``common``.
    """
    left, ranks = _swept(grams.products, own, [*common, grams.overall])
    total, n, rank = left.sum(axis=0), int(grams.sheets.sum()), int(ranks.sum())
    versions = np.concatenate([total[None], total - left])
    sizes = np.concatenate([[n], n - grams.sheets]) - np.concatenate([[rank], rank - ranks])
    last = versions.shape[-1] - 1
    squares, used = _swept(versions, range(last), [last])
    rounding = 1e-10 * versions[:, last, last]
    squares = np.where(squares[:, 0, 0] > rounding, squares[:, 0, 0], 0.0)
    df = (sizes - used).astype(np.float64)
    return np.divide(squares, df, out=np.full(len(df), np.nan), where=df > 0), df


def _share_of(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _coefficients(grams: _Grams) -> Floats:
    """(1 + R, 1 + cues) coefficients of the common policy: of all officers, then without each; nan where not determined."""
    total, k = grams.products.sum(axis=0), grams.overall
    versions = np.concatenate([total[None], total - grams.products])
    inverse, rank = _inverse(versions[:, :k, :k])
    return np.where(rank[:, None] == k, (inverse @ versions[:, :k, k, None])[..., 0], np.nan)


def _policy(grams: _Grams, sheets: _Sheets, scores: Floats, level: float) -> dict[str, Estimate]:
    """How well one policy explains all overall ratings, and how often it names the same category."""
    (plain, df0), (left, df) = _mean_square(grams, [], [0]), _mean_square(grams, [], range(grams.overall))
    r2, found = _share_of(plain - left, plain), undefined("saturated" if plain[0] > 0 else "no-variance")
    if not np.isnan(r2[0]):
        parts = {"r2": float(1 - left[0] * df[0] / (plain[0] * df0[0])), "residual_df": float(df[0])}
        found = _jackknifed(r2, level, "adjusted R squared", parts)
    others = _coefficients(grams)[1:]
    if np.isnan(others).any():
        return {"policy_r2": found, "policy_agreement": undefined("one-rater" if len(others) == 1 else "undefined-without-a-rater")}
    mean = scores[sheets.overall].mean()  # the columns are centred
    implied = np.abs((grams.x * others[grams.officer]).sum(axis=1)[:, None] + mean - scores).argmin(axis=1)
    return {"policy_r2": found, "policy_agreement": share(implied == sheets.overall, sheets.rater, level)}


def _weights(grams: _Grams, cues: list[str], level: float) -> dict[str, Estimate]:
    found = _coefficients(grams)[:, 1:].T
    if len(grams.x) <= grams.overall:
        return dict.fromkeys(cues, undefined("saturated"))
    return {cue: _jackknifed(weights, level, "least squares") for cue, weights in zip(cues, found, strict=True)}


def _within(grams: _Grams, cues: list[str], level: float) -> dict[str, Estimate]:
    """The shares of the variance within cases, by the drop of the residual mean square from model to model."""
    all_cues, cases = [*range(1, grams.overall)], [*range(grams.overall + 1, grams.products.shape[-1])]
    own = [1 + i for i, cue in enumerate(cues) if cue in _OWN]
    rest = [i for i in all_cues if i not in own]
    sheets = float(np.median(grams.sheets))
    names = ("overall_from_factors", "overall_from_level", "overall_from_weights")
    models = (([], all_cues, 0), ([0], all_cues, 2), ([0, *own], rest, FEW if own else np.inf))
    plain, df = _mean_square(grams, [], cases)
    if not plain[0] > 0:
        why = "one-rater" if len(grams.sheets) == 1 else "no-variance"
        return dict.fromkeys((*names, "overall_unexplained"), undefined(why))
    found, before, after = {}, plain, "the cases"
    for name, (of_officer, common, enough) in zip(names, models, strict=True):
        left, left_df = _mean_square(grams, of_officer, [*common, *cases])
        if sheets < enough or left_df[0] < (PLAIN if enough else 1):
            found[name] = undefined("few-own-cases" if enough else "saturated")
            continue
        parts = {"mean_square": float(left[0]), "residual_df": float(left_df[0])}
        found[name] = _jackknifed(_share_of(before - left, plain), level, "drop of the residual mean square", parts)
        before, df, after = left, left_df, name.removeprefix("overall_from_")
    parts = {"mean_square": float(before[0]), "residual_df": float(df[0])}
    return found | {"overall_unexplained": _jackknifed(_share_of(before, plain), level, f"residual mean square after {after}", parts)}


def _pairs(study: Study, every: _Sheets, level: float) -> dict[str, Estimate]:
    """Of the pairs who disagree, and of those who agree, on the overall priority: how many differ in predominance."""
    counts, _ = _profile(study, every)
    sheets, counts = every[np.flatnonzero(counts.any(axis=1))], counts[counts.any(axis=1)]
    if not len(counts):
        return dict.fromkeys(("pairs_disagreeing_differ", "pairs_agreeing_differ"), undefined("no-ratings"))
    profiles, which = np.unique(counts, axis=0, return_inverse=True)
    scale = study.instrument.scale_of(rated(study.instrument)[0].id)
    main = np.array([scale.index(predominant(np.repeat(np.arange(len(n)), n).tolist(), scale) or "") for n in profiles])[which.ravel()]
    subject, overall = sheets.subject, sheets.overall.astype(np.int64)
    table = np.zeros((subject.max() + 1, overall.max() + 1, counts.shape[1]))
    np.add.at(table, (subject, overall, main), 1)
    # the others of the same case who are like this officer in the overall priority, in predominance, in both
    others, same = table.sum(axis=(1, 2))[subject] - 1, table.sum(axis=2)[subject, overall] - 1
    alike, both = table.sum(axis=1)[subject, main] - 1, table[subject, overall, main] - 1
    _, officer = np.unique(sheets.rater, return_inverse=True)

    def versions(of_sheet: Floats) -> Floats:
        """Number of pairs: of the study, then without each officer."""
        return of_sheet.sum() / 2 - np.concatenate([[0.0], np.bincount(officer, of_sheet)])

    def differ(differing: Floats, pairs: Floats) -> Estimate:
        n = versions(pairs)
        if n[0] == 0:
            return undefined("no-pairs")
        return _jackknifed(_share_of(versions(differing), n), level, "share of pairs", {"pairs": float(n[0])}, bounded=True)

    return {"pairs_disagreeing_differ": differ(others - same - alike + both, others - same),
            "pairs_agreeing_differ": differ(same - both, same)}


def _jackknifed(versions: Floats, level: float, method: str, parts: dict[str, float] | None = None, bounded: bool = False) -> Estimate:
    """From the value and those without each officer: t interval, R - 1 degrees of freedom, on the logit scale if ``bounded``."""
    value, left_out = float(versions[0]), versions[1:]
    found = Estimate(value, method=method, parts=parts or {})
    if len(left_out) < 3:
        return found.flagged("one-rater" if len(left_out) == 1 else "two-raters")
    if np.isnan(left_out).any():
        return found.flagged("undefined-without-a-rater")
    df, se = len(left_out) - 1, float(np.sqrt(variance(left_out)))
    if se <= 1e-12 * max(1.0, abs(value)):
        return replace(found, se=0.0).flagged("zero-se")
    t = float(stdtrit(df, (1 + level) / 2))
    found = replace(found, se=se, df=df, method=f"{method}; jackknife over officers{', logit scale' if bounded else ''}")
    if not bounded:
        return replace(found, ci_low=value - t * se, ci_high=value + t * se)
    if min(versions) <= 0 or max(versions) >= 1:
        return found.flagged("share-at-end")
    half = t * float(np.sqrt(variance(logit(left_out))))
    return replace(found, ci_low=float(expit(logit(value) - half)), ci_high=float(expit(logit(value) + half)))
