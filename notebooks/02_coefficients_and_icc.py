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
# # Coefficients and ICCs: which one, and why they differ
#
# The same ratings give a kappa of .35 and an AC2 of .76. Which is right? Both: they answer different questions. This
# notebook shows which coefficient answers which question, why they differ, what the kappa paradox is, and why twelve
# vignettes can show what two cannot.
#
# > **Every rating here is synthetic.** A program drew it. No number below is the 2012 pilot's, and nothing here says
# > anything about real officers or real cases.

# %%
import pandas as pd
from IPython.display import Markdown

import arms_irr as irr
from arms_irr.analysis.imputation import agreement_bounds
from arms_irr.analysis.interpretation import benchmarks, fragile, paradox, reach
from arms_irr.analysis.ratability import estimands

pd.set_option("display.max_rows", 100, "display.max_colwidth", 120)
pilot, second = irr.example("pilot"), irr.example("second_exercise")


def short(result, *columns):
    """A few columns of a result, rounded for reading."""
    return result.to_frame(parts=True)[[*result.by, "coefficient", *columns]].round(3)


def listed(sentences):
    """Sentences as a list that wraps."""
    return Markdown("\n".join(f"- {sentence}" for sentence in sentences))


# %% [markdown]
# ## 1. Ask the question first
#
# | question | statistic |
# |---|---|
# | Do officers give the priority of the gold standard? | exact agreement with it, and how often too low or too high |
# | How often do two officers give the same priority? | percent agreement, exact or with partial credit for near misses |
# | Is that more than guessing among the categories would give? | Brennan-Prediger |
# | The same, where one category dominates? | Gwet's AC1 (exact), AC2 (weighted) |
# | Do officers tell the *subjects* apart? | kappa (Conger's, Fleiss'), Krippendorff's alpha, ICC |
# | Would another officer give the same *score*? | ICC(A,1), and the standard error of measurement |
# | Would another officer put the subjects in the same *order*? | ICC(C,1), Kendall's W |
#
# The first four lines are about **agreement**. The last three are about **reliability**: they compare the differences
# between officers with the differences between subjects. Where subjects hardly differ, reliability is low however careful
# the officers are.

# %% [markdown]
# ## 2. Why they differ
#
# Every chance-corrected coefficient is **(observed - expected) / (1 - expected)**. With the same weights they share
# `observed`. They differ in `expected` only.

# %%
names = ["gwet", "brennan_prediger", "fleiss", "conger"]
between = pilot.agreement(["case"], coefficient=names, weights="quadratic")
short(between, "observed", "expected", "estimate", "ci_low", "ci_high")

# %% [markdown]
# - **Brennan-Prediger** expects what guessing among three categories gives, whatever was rated.
# - **Gwet** expects less when most ratings are in one category.
# - **Fleiss** and **Conger** expect more then: two officers who use mostly Low would meet there by chance. Conger's takes each
#   officer's own use of the scale, Fleiss' the use of all together. Take Conger's where the same officers rated everything,
#   Fleiss' where officers differ by case.
#
# Weights matter as much as the coefficient. Identity weights count a near miss as a full miss; quadratic weights count Low
# against Medium as three quarters of an agreement. A benchmark cannot serve both.

# %%
weighted = [pilot.agreement(["case"], coefficient="gwet", weights=w) for w in ("identity", "linear", "quadratic")]
pd.concat([short(one, "weights", "estimate") for one in weighted]).query("case == 'case_a'")

# %% [markdown]
# ## 3. The paradox
#
# Feinstein and Cicchetti (1990) give two tables of 100 subjects and two raters. Both have 85 % agreement; one has a kappa of
# .70, the other of .32.


# %%
def spread_out(table):
    """A two-way table of counts as one row per subject."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


tables = {"balanced": [[40, 9], [6, 45]], "one category dominates": [[80, 10], [5, 5]]}
rows = {}
for name, table in tables.items():
    ratings = spread_out(table)
    rows[name] = {c: irr.agreement(ratings, c, categories=[0, 1]).value for c in ("percent", "cohen", "gwet", "brennan_prediger")}
    (a, b), (c, d) = table
    rows[name] |= {"prevalence index": (a - d) / 100, "bias index": (b - c) / 100}
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# The prevalence index says how unequal the categories are, the bias index how differently the two raters use them. With two
# categories Brennan-Prediger is PABAK, and kappa = (PABAK - PI² + BI²) / (1 - PI² + BI²) (Byrt, Bishop and Carlin 1993).
# Check it on the second table: PABAK .70, PI .75, BI .05.

# %%
pabak, pi, bi = 0.70, 0.75, 0.05
round((pabak - pi**2 + bi**2) / (1 - pi**2 + bi**2), 2)

# %% [markdown]
# In a study, `paradox` looks for such cells and says in words what happens there.

# %%
listed(paradox(pilot, ["case"]).notes)

# %% [markdown]
# ### What was in reach?
#
# Suppose every rating were the gold standard's in 90 of 100 cases and next to it otherwise. What would kappa be? Not .9: that
# depends on the gold standards. Read an observed value beside what its subjects allow.

# %%
possible = reach(pilot, ["case"], coefficient="fleiss", weights="quadratic", replicates=300)
short(possible, "estimate", "ci_low", "ci_high")

# %% [markdown]
# ## 4. Words for numbers
#
# Benchmark scales turn a number into a word. They contradict each other, and a value near the end of a range earns its word by
# luck. Gwet's rule asks how probable it is that the coefficient lies in a range *or a better one*, and gives the best word with
# more than 95 %.

# %%
words = benchmarks(between.where("gwet"))
short(words, "estimate", "probability")

# %% [markdown]
# `word` is what was earned, `word_of_value` what the value alone would say. The scales do not agree with each other: quote the
# number and its interval first.

# %% [markdown]
# ### How many ratings hold the verdict up?
#
# `fragile` counts the single ratings that would have to change for a coefficient to cross the nearest benchmarks. "greedy; at
# least 4" says: so many changes were found to do it, and fewer than 4 are ruled out by trying them all. Where every smaller set
# could be tried, it says "smallest number".

# %%
shaky = fragile(pilot, ["case"], coefficient="gwet", weights="quadratic")
shaky.to_frame()[["case", "bound", "direction", "estimate", "n_ratings", "method"]]

# %% [markdown]
# ## 5. Intraclass correlations
#
# The forms differ in two ways. *Agreement* (A) counts a strict officer's lower scores as error, *consistency* (C) does not.
# *1* is for one officer's rating, *k* for the mean of all k. Here are Shrout and Fleiss's (1979) six subjects and four judges.

# %%
judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
forms = ["ICC(1)", "ICC(A,1)", "ICC(C,1)", "ICC(k)", "ICC(A,k)", "ICC(C,k)"]
icc = {form: irr.icc(judges, form) for form in forms}
pd.DataFrame({"estimate": {f: e.value for f, e in icc.items()}, "ci_low": {f: e.ci_low for f, e in icc.items()}, "ci_high": {f: e.ci_high for f, e in icc.items()}}).round(3)

# %% [markdown]
# The judges differ in level by several points: agreement is .29 where consistency is .71. For ARMS one officer's rating is used
# and another officer might have given it, so **ICC(A,1)** is the usual form. ICC(A,k) suits a panel whose mean is used; quoted
# for single ratings it flatters.

# %% [markdown]
# ## 6. Two vignettes versus twelve
#
# With two vignettes a single factor has two subjects. Kappa and ICC of two subjects say mostly whether the two stories
# differ, so a study suppresses them below five subjects. With twelve they can be shown.

# %%
factor = "opportunity"
both = {}
for name, study in (("two vignettes", pilot), ("twelve vignettes", second)):
    found = study.agreement(["factor"], coefficient=["percent", "gwet", "fleiss"], weights="quadratic").where(factor=factor)
    both[name] = {row.coefficient: str(row.estimate) for row in (*found, *study.icc(["factor"]).where(factor=factor))}
pd.DataFrame(both)

# %% [markdown]
# More officers do not help here: with 20 officers or more, the number of cases limits what can be said about other cases. The
# intervals of `percent`, `gwet` and `fleiss` above are for *other officers and the same cases*; that of the ICC is for other
# officers *and* other cases, and is wide even with twelve.

# %% [markdown]
# ## 7. Unable to rate
#
# Three questions, three numbers: agreement of the priorities that were given; agreement of the whole decision, with *unable to
# rate* as an answer; and agreement on whether it can be rated at all. They have different categories: do not compare them
# with each other.

# %%
short(estimands(pilot, ["case"]), "weights", "estimate", "ci_low", "ci_high")

# %% [markdown]
# What could the answers not given have changed? The bounds fill in every *unable to rate* with the priority that lowers or
# raises the coefficient most.

# %%
short(agreement_bounds(pilot, ["case"], coefficients=("percent", "gwet")), "estimate", "method")

# %% [markdown]
# ## 8. A second opinion
#
# `crosscheck` computes the headline statistics again with statsmodels and pingouin, on the same ratings, and names the reason
# where they differ.

# %%
opinion = pilot.crosscheck()
print(opinion.notes[0])
pd.Series([row["reason"] for row in opinion]).value_counts().rename("comparisons").rename_axis("reason of the difference").to_frame()

# %% [markdown]
# For R, Stata and SPSS, `arms-irr crosscheck data/pilot --emit r -o pilot.R` writes a script with the ratings in it and, beside
# each call, the value that it has to give.
#
# Before you publish: choose the coefficient before you see the values, print percent agreement beside every chance-corrected
# one, and say what the interval generalises to.
