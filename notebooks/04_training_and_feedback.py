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
# # Training and feedback: a trainer's walk
#
# Forty officers rate two vignettes, have a day of training, and rate two others. Half of them rate the second pair once more
# three weeks later. What does the trainer tell the group, what one officer, and what nobody, because the ratings cannot carry it?
#
# > **Every rating here is synthetic.** A program drew it, with an effect of training put in. No number below is the 2012
# > pilot's, and nothing here says anything about real officers, real cases or real training.

# %%
import re
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown

import arms_irr as irr
from arms_irr.analysis.certification import characteristics
from arms_irr.analysis.feedback import latest
from arms_irr.analysis.training import training_by_factor
from arms_irr.reporting.feedback import feedback

pd.set_option("display.max_rows", 100, "display.max_colwidth", 120)


def short(result, *columns):
    """A few columns of a result, rounded for reading."""
    return result.to_frame(parts=True)[[*result.by, "coefficient", *columns]].round(2)


def listed(sentences):
    """Sentences as a list that wraps."""
    return Markdown("\n".join(f"- {sentence}" for sentence in sentences))


# %% [markdown]
# ## 1. The ratings
#
# With your own ratings: `irr.read_study("data/training_pre_post")`.

# %%
study = irr.example("training_pre_post")
study

# %%
listed(study.design().notes)

# %% [markdown]
# ## 2. Who rates how
#
# `diagnostics` describes each officer: how far above or below the gold standard, which misses, how much of the scale. Read the
# *shrunken* values first. A raw share of a few ratings is mostly luck; the shrunken one says what to expect of that officer,
# and the flag `not-separated` says that it might as well be the group's. As on the sheets below, an officer's latest answer
# counts where a vignette was rated twice.

# %%
now = latest(study)
found = now.diagnostics(statistics=["severity_shrunken", "exact_shrunken", "missed_high"])
short(found, "estimate", "ci_low", "ci_high", "n_ratings", "flags").head(9)

# %%
shrunken = list(found.where("exact_shrunken"))
apart = sum("not-separated" not in row.estimate.flags for row in shrunken)
Markdown(f"In agreement with the gold standard, these ratings tell **{apart} of {len(shrunken)}** officers apart from the group.")

# %% [markdown]
# A list sorted by raw agreement would look like a ranking all the same. That is why nothing in this package sorts officers.
#
# ## 3. Severity
#
# The many-facet model puts officers, items and categories on one scale, in logits. Only the first occasion enters, so this is
# the cohort before the training.

# %%
model = study.severity(replicates=100)
cohort = model.where(facet="cohort")
short(cohort, "estimate", "ci_low", "ci_high").set_index("coefficient").loc[["severity_mean", "severity_sd", "separation_reliability"]]

# %%
listed(model.notes)

# %% [markdown]
# ## 4. A rule or practice: camps and the agenda
#
# Where officers disagree, there are two different reasons. If they stand in **two camps**, each camp has a reading of its own,
# and the group needs a *rule*. If the answers are **scattered**, a rule would not help: the group needs *examples and practice*.

# %%
camps = now.camps()
camps.to_frame()["verdict"].value_counts().rename("cells").to_frame()

# %%
scatter = [row for row in camps if row["verdict"] == "scatter"]
most = sorted(scatter, key=lambda row: row.estimate.value)[:5]
listed(f"{study.instrument.factor(row['factor']).label}, {study.case_titles[row['case']]}" for row in most)

# %% [markdown]
# No cell here has two camps: what this group needs is practice. The cells above, where officers differ most, open the agenda:
# factors and cases, never names. Ask "what in the story made you say so?" before you show the
# gold standard.
#
# ## 5. A sheet for each officer
#
# `feedback` writes a page for every officer and an overview for the trainer, with this agenda in it. Here is one page, as the
# officer will read it.

# %%
with tempfile.TemporaryDirectory() as temporary:
    folder = feedback(study, Path(temporary) / "feedback", only=["officer_07"], formats=["html"], training="The synthetic training day")
    page = (folder / "sheets" / "officer_07.html").read_text(encoding="utf-8")
HTML(re.search(r"<main.*?</main>", page, re.DOTALL)[0])

# %% [markdown]
# The sheet names what to read again and never where the officer stands in the group. Give every officer their own and nobody
# else's.
#
# ## 6. May I certify this person?
#
# Look at the rule **before** you look at a person. `characteristics` says how often officers of known quality would pass: the
# probability of a pass, by number of vignettes, for an officer who truly gives the gold-standard priority in 60, 65 ... of 100.

# %%
exercise = irr.example("certification")
curve = characteristics(exercise).where(test="fixed set", correlation="0").to_frame()
passes = curve[(curve["coefficient"] == "pass_probability") & curve["cases"].isin(["2", "6", "10"])]
passes.pivot(index="true_share", columns="cases", values="estimate")[["2", "6", "10"]].round(2)

# %% [markdown]
# With two vignettes nobody can pass, however good: 24 ratings of two stories say too little, and the rule asks for more cases.
# Even with ten, an officer exactly at the limit of 80 of 100 passes about half the time. That is what a limit means.

# %%
decided = exercise.certify()
decided.where("officers").to_frame()[["decision", "estimate"]].set_index("decision").rename(columns={"estimate": "officers"}).astype(int)

# %%
listed(decided.notes)

# %% [markdown]
# ## 7. Did the training help?
#
# Each half of the officers had the other half's vignettes first, so that an easier pair of vignettes cannot pass for training.
# `change_adjusted` takes the vignettes out.

# %%
effect = study.training_effect()
short(effect, "estimate", "ci_low", "ci_high", "n_raters")

# %%
listed(effect.notes)

# %% [markdown]
# Two questions belong together: do officers agree *more often* with the gold standard, or did they only become *more severe*
# (`change_adjusted_in_steps`)? A training that teaches "when in doubt, High" would raise agreement wherever the gold is High.
#
# There is no untrained group here. What officers gain from rating a second time without any training is in the number too.
# Factor by factor the intervals are wide, and some factors will look better or worse by chance:

# %%
factors = training_by_factor(study)
short(factors.where("difference"), "estimate", "ci_low", "ci_high").sort_values("estimate")

# %% [markdown]
# ## 8. Does it last?
#
# A control chart has limits that chance alone leaves only rarely; it is a question to ask, not a verdict. Other vignettes on
# another occasion may be harder.

# %%
chart = study.control_chart()
short(chart.where("exact"), "estimate", "lower", "upper", "n_raters")

# %% [markdown]
# Half of the officers rated the same vignettes again after three weeks. How far does an officer agree with *themselves*? This
# is a ceiling: on average officers cannot agree with colleagues more than with their own earlier selves.

# %%
again = study.rerating()
short(again, "estimate", "ci_low", "ci_high", "n_raters", "n_ratings")

# %%
listed(again.notes)

# %% [markdown]
# `occasion_noise` is what changes from one day to the next in the same officer and the same cell; `level_noise` is that some
# officers rate higher throughout; `pattern_noise`, that they read single cells in their own way. Training can work on the last
# two. The first asks for procedures: a second look, or two officers.
#
# ## 9. Something to share
#
# Colleagues elsewhere would like to see such data, and officers were promised that nobody sees theirs. A synthetic twin has the
# same agreement and none of the officers.

# %%
twin = irr.twin(study, seed=1)
both = {name: {row["risk_band"]: row.estimate.value for row in one.against_gold(["risk_band"], statistics=["exact"])}
        for name, one in (("study", study), ("twin", twin))}
pd.DataFrame(both).round(2)

# %%
listed(twin.notes)

# %% [markdown]
# ## The day in five commands
#
# `arms-irr form`, `collect`, `check`, `feedback`, `certify`: see `docs/trainers.md`.
#
# What this notebook did not do: rank officers, certify anybody from two vignettes, or call a rise between two days an effect
# without a group that had no training.
