# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The pilot in ten minutes
#
# Twenty officers rate the same two case stories with ARMS: a lower-risk case and a higher-risk case. Do they give
# the priority that the gold standard gives? Do they agree with each other? And what can two cases show at all?
#
# This notebook walks through one study from the ratings to the report:
# load, check, design, gold standard, agreement, ICC, report.
#
# > **Every rating here is synthetic.** A program drew it. The study has the shape of the 2012 pilot's rating
# > exercise, but the pilot's ratings are not published and no number below is the pilot's. Nothing here says
# > anything about real officers or real cases.

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

import arms_irr as irr

pd.set_option("display.max_rows", 100, "display.max_colwidth", 120)

# %% [markdown]
# ## 1. Load
#
# Two studies come with the package; `"pilot"` is the first.
#
# Your own study is a folder, or a workbook, with the ratings, the gold standard, the cases and the raters. Read it
# with `irr.read_study("data/pilot")`. Ratings may be long (one row per rating) or wide (one column per factor). From
# data frames, use `irr.Study.from_frames(ratings, gold=..., cases=..., raters=...)`, as section 2 does.

# %%
study = irr.example("pilot")
study

# %% [markdown]
# `frame()` gives the ratings as one tidy frame, with everything known about the case and the rater beside each
# rating. *Unable to rate* is an answer and keeps its label; a rating that nobody gave is missing.

# %%
study.frame()[["rater", "agency", "case", "risk_band", "factor", "kind", "rating", "gold"]].head()

# %% [markdown]
# In ARMS, **High means more priority on every factor**. A High on a protective factor says that the protection is
# weak. Nothing is reverse scored.

# %% [markdown]
# ## 2. Check
#
# Reading is checking. **Notes** say how the files were understood. **Warnings** say what limits the analysis but does
# not stop it.


# %%
def listed(sentences):
    """Sentences as a list that wraps."""
    return Markdown("\n".join(f"- {sentence}" for sentence in sentences))


listed([f"Note: {note}" for note in study.notes] + [f"Warning: {warning}" for warning in study.warnings])

# %% [markdown]
# An error stops the reading, so that no wrong rating is counted quietly. All errors come at once, each with its
# place and what to do. To see it, here are the same ratings with two mistakes typed in.

# %%
frame = study.frame()
ratings = frame[["rater", "case", "factor", "rating", "urgency"]].copy()
ratings.loc[3, "rating"] = "Hgih"
ratings.loc[7, "factor"] = "hostile"
tables = {
    "gold": frame[["case", "factor", "gold"]].drop_duplicates().rename(columns={"gold": "rating"}),
    "cases": frame[["case", "risk_band"]].drop_duplicates(),
    "raters": frame[["rater", "agency"]].drop_duplicates(),
}
try:
    irr.Study.from_frames(ratings, **tables)
except irr.DataError as error:
    display(listed(error.problems))

# %% [markdown]
# ## 3. What the design can and cannot show
#
# Ask this before you look at a coefficient. The answer depends only on who rated what, not on how well they did.

# %%
design = study.design()
listed(design.notes)

# %% [markdown]
# Below the sentences is a table: a verdict for every statistic in every group of ratings. Counted by grouping:

# %%
verdicts = design.to_frame()
pd.crosstab(verdicts["grouping"], verdicts["verdict"])

# %% [markdown]
# Each refusal has a reason and names something to read instead. For a single factor over both cases:

# %%
one_factor = verdicts.query("grouping == 'factor' and cell == 'opportunity'")
one_factor[["coefficient", "n_subjects", "verdict", "reason", "instead"]].style.hide(axis="index")

# %% [markdown]
# ## 4. Agreement with the gold standard
#
# First look at what was rated. A coefficient can hide what a picture shows.

# %%
cases = {"case_a": "Lower-risk case", "case_b": "Higher-risk case"}
study.distributions().plot(names=cases, title="What the officers rated, and the gold standard")

# %% [markdown]
# *Percentage of all ratings asked for, counted from the middle of the scale; diamonds mark the gold standard; hatched:
# unable to rate. Source: the synthetic example.*
#
# Every question to a study returns a `Result`: tidy rows and the notes that belong to them. `to_frame()` has fixed
# columns and full precision. For reading we want fewer columns and fewer digits.


# %%
def short(result, *columns):
    """A few columns of a result, rounded for reading."""
    return result.to_frame()[[*result.by, "coefficient", *columns]].round(3)


gold = study.against_gold(by=["kind", "risk_band"])
columns = ("estimate", "ci_low", "ci_high", "n_raters", "n_ratings", "method")
short(gold.where("exact"), *columns)

# %% [markdown]
# `exact` is the share of ratings with the same priority as the gold standard. Blanks and *unable to rate* are not in
# its base; `exact_of_asked` counts them as misses, and `unable_to_rate` gives their share.

# %%
low, high = (gold.get("exact", kind="risk", risk_band=band) for band in ("lower", "higher"))
Markdown(
    f"In words: officers gave the gold-standard priority in **{100 * low.value:.0f} of every 100** ratings of risk "
    f"factors in the lower-risk case (95 % interval {100 * low.ci_low:.0f} to {100 * low.ci_high:.0f}; "
    f"{low.n_raters} officers, 7 factors) and in **{100 * high.value:.0f} of every 100** in the higher-risk case "
    f"(95 % interval {100 * high.ci_low:.0f} to {100 * high.ci_high:.0f}). There is one case in each band, so this "
    "may be a difference between two stories and not between two bands. Synthetic data."
)

# %% [markdown]
# ### Wilson or clustered?
#
# Look at `method`. It follows from who gave the ratings.
#
# - **Wilson**: each officer gives *one* rating to the cell, here the overall priority. The ratings are
#   independent, and the sample size is the number of officers.
# - **Cluster logit-t**: each officer gives *several* ratings to the cell, here up to seven risk factors. Ratings
#   by one officer may resemble each other, and then count for less than as many ratings by different officers.
#   The interval is worked out over officers.
# - **Wilson on effective n** is the fall-back of the second where a share is near 0 or 1; its flag is
#   `interval-fallback`.
#
# All three say what *other officers* would do with *these cases*. `deff`, the design effect, tells how
# much the clustering matters. At 1 the ratings behave like independent ones; at 1.7 it takes 17 of them to tell as
# much as 10 independent ones.

# %%
pd.DataFrame(
    {**row.group, "n_ratings": row.estimate.n_ratings, "deff": row.estimate.parts["deff"]}
    for row in gold.where("exact") if row["kind"] != "overall"
).round(2)

# %% [markdown]
# ### Factor by factor
#
# One factor in one case is one rating per officer: Wilson's interval on about 20 ratings. See how long the lines are
# before you read an order into the dots.

# %%
by_factor = study.against_gold(by=["factor", "case"])
by_factor.plot(names=cases, title="Same priority as the gold standard, by factor and case")

# %% [markdown]
# *Percentage of officers whose priority is the gold standard's, with 95 % intervals; those who answered "unable to
# rate" are left out. Factors are sorted by the higher-risk case within their kind. Source: the synthetic example.*

# %% [markdown]
# ### When there is no number
#
# `NaN` is never a bug and never a hidden 0. The column `flags` gives the reason, and `flag_notes` spells it out.

# %%
one = by_factor.where(factor="opportunity", case="case_a")
short(one, "estimate", "ci_low", "ci_high", "n_ratings", "flags")

# %%
listed(one.flag_notes)

# %% [markdown]
# The gold standard is Low here: nobody *can* rate lower. A 0 in the row `under` would look like good
# judgement where no other outcome was possible.

# %% [markdown]
# ## 5. Agreement between officers
#
# Now leave the gold standard aside. Would two officers give the same person the same profile of priorities? The
# subjects are the twelve factors of one case.

# %%
between = study.agreement(by=["case"])
short(between, "weights", "estimate", "ci_low", "ci_high", "observed", "expected", "flags")

# %%
between.plot(names=cases, title="The same ratings, different coefficients")

# %% [markdown]
# *Each coefficient with its 95 % interval over officers, both cases. Source: the synthetic example.*
#
# Every chance-corrected coefficient here is **(observed - expected) / (1 - expected)**.
# Compare `gwet`, `brennan_prediger` and `conger` with quadratic weights in `case_a`: they share one `observed` and
# differ only in `expected`, the agreement they put down to chance.
#
# - **Brennan-Prediger** asks for agreement beyond a guess at random among the three categories.
# - **Gwet's AC2** expects less by chance when most ratings fall into one category.
# - **Kappa** (Conger's, the kappa for several raters) expects much more by chance when the
#   officers use mostly one category. In a case where most factors deserve a Low, agreeing on Low looks like luck.
#
# So percent agreement can be high and kappa low in the same data, and the flag `prevalence` marks where that happens.
# Neither is wrong. Kappa also asks whether the *factors can be told apart* in this case, and here they differ little.
# Report them side by side, with intervals, and say which question each answers.

# %% [markdown]
# The same thing in the literature: Feinstein and Cicchetti (1990) give two tables of 100 subjects and two raters.
# Both have 85 % agreement.


# %%
def spread_out(table):
    """A two-way table of counts as one row per subject: the first rater's category, the second's."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


balanced, lopsided = [[40, 9], [6, 45]], [[80, 10], [5, 5]]
pd.DataFrame(
    {
        name: [irr.agreement(spread_out(table), name, categories=[0, 1]).value for table in (balanced, lopsided)]
        for name in ("percent", "cohen", "gwet", "brennan_prediger")
    },
    index=["both categories about equally often", "one category about nine times in ten"],
).round(2)

# %% [markdown]
# The paper prints kappa as .70 and .32.

# %% [markdown]
# ### Why there is no kappa for a single factor
#
# Over both cases, a single factor has two subjects. The methods of a study suppress kappa, alpha and the ICC below
# five subjects, and mark them `weak` below ten. Percent agreement, Gwet's AC and Brennan-Prediger stay.

# %%
per_factor = study.agreement(by=["factor"], coefficient=["percent", "gwet", "fleiss"], weights="quadratic")
short(per_factor.where(factor="opportunity"), "weights", "estimate", "ci_low", "ci_high", "n_subjects", "flags")

# %% [markdown]
# `force=True` shows the value all the same, with the flag `forced`. Use it to see *why* it is suppressed: put each
# factor's kappa beside its two gold ratings.

# %%
forced = study.agreement(by=["factor"], coefficient=["percent", "fleiss"], weights="quadratic", force=True)
golds = frame.drop_duplicates(["factor", "case"]).pivot(index="factor", columns="case", values="gold")
values = forced.to_frame().pivot(index="factor", columns="coefficient", values="estimate").round(2)
golds.join(values).sort_values("fleiss")

# %% [markdown]
# Read down the column `fleiss`: first the factor whose gold standard is the same in both cases, then those
# where it differs by one step, then those with two steps. Weighted percent agreement (`percent`) differs far less.
# With two cases, kappa mostly answers "did the two stories differ on this factor?" and not "do officers agree?". A
# ranking of factors by it would be a ranking of the stories.

# %% [markdown]
# ## 6. Numbers you can check
#
# `irr.agreement` and `irr.icc` take a plain table: rows are subjects, columns are raters, `nan` or `None` is not
# rated. Here are the six subjects and four judges of Shrout and Fleiss (1979), beside the values they print in their
# table 4.

# %%
judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
printed = {"ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71, "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91}
ours = {form: irr.icc(judges, form) for form in printed}
pd.DataFrame(
    [
        {"form": form, "printed 1979": printed[form], "here": e.value, "ci_low": e.ci_low, "ci_high": e.ci_high}
        for form, e in ours.items()
    ]
).round(3)

# %% [markdown]
# The tests hold these values and their intervals to six decimals against R's `psych`, and the coefficients against
# R's `irrCAC` and `irr` and against values printed in the literature. A known difference, on purpose: for the interval
# of `ICC(A,k)`, R's `irr` and `irrNA` count the number of raters twice; `psych` does not, and neither do we.
#
# An array function computes whatever is arithmetically defined and flags what is weak: it cannot know your design. The
# methods of a study do, and suppress what the design cannot carry.

# %%
estimate = irr.icc(judges, "ICC(A,1)")
print(estimate)
print(estimate.method, "| generalises to:", estimate.target)
listed(estimate.reasons)

# %% [markdown]
# `ICC(A,1)` is McGraw and Wong's name for `ICC(2,1)`: absolute agreement of a single rater, raters seen as a sample.
# That is the usual question for ARMS, where one officer's rating is used and another officer might have given it.

# %% [markdown]
# ## 7. More cases, more to say
#
# `"second_exercise"` is a larger synthetic study: twelve cases, six in each band, and forty officers who rate six
# cases each.

# %%
second = irr.example("second_exercise")
listed(second.design().notes)

# %%
by_factor_icc = second.icc(by=["factor", "risk_band"])
short(by_factor_icc, "estimate", "ci_low", "ci_high", "n_subjects", "flags")

# %%
listed((*by_factor_icc.notes, *by_factor_icc.flag_notes))

# %% [markdown]
# Now there is an ICC for each factor in each band, and the intervals tell you how little six cases fix it. Over both
# bands there are twelve cases to a factor; pooled by kind and band there are more subjects still. Pooling
# costs something: the flag `pooled-cases-factors` says that differences between factors are mixed into the value.

# %%
short(second.icc(by=["factor"]), "estimate", "ci_low", "ci_high", "n_subjects", "flags")

# %%
short(second.icc(by=["kind", "risk_band"]), "estimate", "ci_low", "ci_high", "n_subjects", "flags")

# %% [markdown]
# Unlike the intervals in sections 4 and 5, those of `ICC(A,1)` generalise to other officers *and* other subjects: cases, or
# pairs of a case and a factor where these are pooled. And an ICC is relative to how much the subjects differ: in
# a band where the cases are alike it falls, even if officers are as careful.
#
# Agreement, with officers or with a gold standard, is not evidence that a rating predicts offending.

# %% [markdown]
# ## 8. Report
#
# One call writes the evaluation report: a web page, the same as PDF, Word and Markdown, a workbook, the figures, the tables as
# CSV with full precision, `report.json` with the origin of every number, and a manifest. For your own study:
# `irr.evaluate("data/pilot", "reports/pilot")`. Here it goes to a temporary folder, and we read its main points. Notebook 3 goes
# through the report.

# %%
with tempfile.TemporaryDirectory() as temporary:
    report = irr.evaluate(study, Path(temporary) / "pilot")
    written = sorted(path.name if path.is_file() else f"{path.name}/ ({len(list(path.iterdir()))} files)" for path in report.iterdir())
    text = (report / "report.md").read_text(encoding="utf-8")

print("\n".join(written))

# %%
Markdown("\n## ".join(text.split("\n## ")[:3]))  # the head and the first two sections

# %% [markdown]
# ## Where to go next
#
# - **Your own data.** Copy `data/pilot`, keep its `study.toml` as a pattern, replace the tables, set
#   `synthetic = false` and delete the part `[simulation]`. Start with `irr.read_study(...)` and `.design()`.
# - **Each officer against the gold standard.** `study.rater_agreement()`. With some 24 ratings per officer the
#   intervals are wide; the order is that of the raters' table and is no ranking.
# - **Other groupings.** `by=` takes `factor`, `kind`, `case`, `risk_band`, `rater`, `occasion` and every column of
#   your tables of cases and raters, for example `study.against_gold(by=["agency", "case"])`.
# - **Other coefficients.** `help(irr.agreement)` and `help(irr.icc)` list names, weights and sources.
# - **From a terminal.** `arms-irr check data/pilot`, then `design`, `gold`, `agreement`, `icc` and `evaluate`.
# - **Out of Python.** `result.to_frame()`, `result.to_csv("file.csv")`, `result.to_json()`.
#
# Before you publish: decide beforehand which statistic answers your question, report the interval and the base with
# every number, and put what the data cannot show beside what they can.
