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
# # An evaluation, from the ratings to the report
#
# You have the ratings of an exercise and a report to write. This notebook goes through the questions in the order in which an
# evaluator meets them, writes the report with one call, and shows where every number in it comes from, so that a reviewer can
# check it and you can answer for it.
#
# > **Every rating here is synthetic.** A program drew it. No number below is the 2012 pilot's, and nothing here says anything
# > about real officers or real cases.

# %%
import json
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import arms_irr as irr
from arms_irr.analysis.conclusions import conclusions
from arms_irr.planning.simulate import simulate_example, write

pd.set_option("display.max_rows", 100, "display.max_colwidth", 120)


def short(result, *columns):
    """A few columns of a result, rounded for reading."""
    return result.to_frame(parts=True)[[*result.by, "coefficient", *columns]].round(3)


def listed(sentences):
    """Sentences as a list that wraps."""
    return Markdown("\n".join(f"- {sentence}" for sentence in sentences))


# %% [markdown]
# ## 1. Read the study
#
# A study is a folder: `study.toml` says what it is, the ratings, the gold standard, the cases and the officers are tables beside
# it. Here a simulated one is written first; with your own, begin at `read_study`.

# %%
place = tempfile.TemporaryDirectory()
folder = write(simulate_example("pilot"), Path(place.name) / "exercise")
study = irr.read_study(folder)
study

# %%
listed(str(warning).replace(str(folder), "") for warning in study.warnings)

# %% [markdown]
# ## 2. What can these data show?
#
# Ask this before the first coefficient. With two cases some questions have no answer, however many officers there are, and it is
# better to know before than to explain after.

# %%
listed(study.design().notes)

# %% [markdown]
# ## 3. Do officers give the priority of the gold standard?
#
# `exact` is the share of ratings with the same priority; the interval says what other officers like these would do *with these
# cases*. A gold standard is a judgement too: this is agreement with it, not truth.

# %%
short(study.against_gold(["kind", "risk_band"]).where("exact"), "estimate", "ci_low", "ci_high", "n_ratings", "n_raters")

# %% [markdown]
# ## 4. Which error matters most?
#
# Where the gold standard is High and the officer rates lower, the gold standard would act first and the rating would not. The
# interval of a missed High is **one-sided**: with 95 % confidence the share is at most its upper end. Zero misses in few ratings
# is no proof of zero. Where the gold standard is never High there is no number, and the flag says why.

# %%
short(study.missed_high(["kind", "risk_band"]).where("missed_high"), "estimate", "ci_high", "n_ratings", "flags")

# %% [markdown]
# ## 5. The questions asked beforehand
#
# Is agreement with the gold standard higher in the lower-risk case than in the higher-risk case, higher on risk factors than on
# protective factors, and does the one depend on the other? Each officer is compared with himself or herself. `p_holm` allows for
# three questions. With one case in each band, a difference between the bands is also a difference between two stories: the flag
# `one-case-per-band` says so, and no p-value can take it away.

# %%
short(study.confirmatory(), "estimate", "ci_low", "ci_high", "p_holm", "flags")

# %% [markdown]
# ## 6. Do officers agree with each other?
#
# Another question: two officers can agree and both miss the gold standard. Percent agreement comes first, because it says what
# happens; the chance-corrected ones beside it set it against different ideas of chance (notebook 2 explains them). No kappa and no
# ICC of a single factor: each would rest on two cases.

# %%
between = study.agreement(["case"], coefficient=["percent", "gwet", "conger"], weights="quadratic")
short(between, "weights", "estimate", "ci_low", "ci_high")

# %% [markdown]
# ## 7. What could not be rated?
#
# *Unable to rate* is an answer, not a blank. It is left out of agreement on priorities, so it has to be looked at by itself.

# %%
short(study.ratability().where("unable_to_rate"), "estimate", "ci_low", "ci_high", "n_ratings")

# %% [markdown]
# ## 8. Are there officers who differ?
#
# Of twenty officers some look better than others by chance alone. The model below puts officers, factors and categories on one
# scale of severity: how high an officer rates, given what was to be rated. A single officer's value rests on some 24 ratings and
# has a wide interval. It is a reason to look again, never a ranking, and says nothing about competence.

# %%
severity = study.severity().where("severity", facet="officer").to_frame()
severity[["name", "estimate", "ci_low", "ci_high", "n_ratings"]].round(2).head(6)

# %%
outside = int(((severity["ci_low"] > 0) | (severity["ci_high"] < 0)).sum())
Markdown(f"Officers whose interval leaves out 0, the severity of the gold standard: {outside} of {len(severity)}.")

# %% [markdown]
# ## 9. Do the conclusions depend on our choices?
#
# Other weights, another rule for *unable to rate*, without a conspicuous officer: the headline numbers again under every
# combination. `holds` is the share of these analyses in which a conclusion stands. They use the same ratings, so the share is no
# probability; it says which sentences turn with a choice that nobody is obliged to make our way.

# %%
found = conclusions(study.sensitivity())
overall = found.to_frame(parts=True).query("choice == ''")
overall[["conclusion", "measured", "estimate", "points", "flips"]].round(2)

# %% [markdown]
# ## 10. The report
#
# One call asks all of this and more, and writes it for people: a web page that needs nothing else, PDF, Word, Markdown, a
# workbook, the tables with full precision, the figures. The same ratings and the same seed give the same bytes.
#
# Your own choices have two places. *How to report* stands in the call: `confidence_level`, `seed`, `formats`, `sections`,
# `pseudonyms="renumber"` (new numbers for officers; who is who is not written), `min_cell` (smaller groups of officers are not shown by
# themselves), `template` (your Word styles). *What only you know* stands in `study.toml`, under `[report]`: how much worse a rating
# too low is than one too high, whether every rating may be printed, your answers to the checklist for authors.

# %%
settings = folder / "study.toml"
own = """
[report]
cost_ratios = [1, 3, 10]
rating_matrix = true

[report.grras]
7 = "All officers of the exercise took part; the cases were written for training."
"""
settings.write_text(settings.read_text("utf-8") + own, encoding="utf-8")

out = irr.evaluate(irr.read_study(folder), Path(place.name) / "report", formats=["html", "md"], pseudonyms="renumber")
counts = pd.Series([path.parent.name if path.parent != out else path.name for path in out.rglob("*") if path.is_file()])
counts.value_counts().rename("files").sort_index().to_frame()

# %%
text = (out / "report.md").read_text("utf-8")
Markdown("\n## ".join(text.split("\n## ")[:3]))  # the head, the main points, and what the data cannot show

# %% [markdown]
# A wrong setting stops the report before anything is computed, and all of them are told at once.

# %%
wrong = folder / "study.toml"
kept = wrong.read_text("utf-8")
wrong.write_text(kept.replace("cost_ratios = [1, 3, 10]", "cost_ratio = [1, 3]").replace("rating_matrix = true", 'rating_matrix = "yes"'), "utf-8")
try:
    irr.evaluate(folder, Path(place.name) / "never")
except irr.DataError as error:
    print(error)
wrong.write_text(kept, "utf-8")
(Path(place.name) / "never").exists()

# %% [markdown]
# ## 11. Where does a number come from?
#
# `report.json` holds every sentence of the report with its numbers, and for each number the result and the row it was read from.
# Take the first sentence of the main points.

# %%
trace = json.loads((out / "report.json").read_text("utf-8"))
sentence = trace["sentences"][0]
print(sentence["text"])
pd.DataFrame(sentence["numbers"])

# %% [markdown]
# The row has the estimate with all its digits, its interval, the method, and the number of officers and ratings behind it. The same
# row stands in `tables/`, under the name of the result, and in the workbook.

# %%
number = sentence["numbers"][0]
result = trace["results"][number["result"]]
row = result["every_row"] | dict(zip([*result["columns"], *result["parts"]], result["rows"][str(number["row"])], strict=True))
pd.Series(row)[["coefficient", "estimate", "ci_low", "ci_high", "method", "target", "n_raters", "n_ratings", "deff"]]

# %% [markdown]
# And the API gives the same number: nothing in the report is computed anywhere else.

# %%
again = study.against_gold(["risk_band"]).get("exact", risk_band="lower")
again.value, row["estimate"]

# %% [markdown]
# ## 12. Compared with another exercise
#
# Was agreement higher in a second exercise? Other officers, other cases, and differences that have an interval. Nothing here says
# *why* two exercises differ: cases, officers, training and the year all changed at once. `irr.compare_studies` writes the same as
# a report.

# %%
both = irr.compare(study, irr.example("second_exercise"))
shown = both.to_frame()
columns = [*both.by, "coefficient", "estimate", "ci_low", "ci_high"]
shown[shown["statistic"].isin(["exact", "percent"])][columns].round(3).head(12)

# %%
listed(both.notes)

# %%
place.cleanup()

# %% [markdown]
# ## Before you publish
#
# - Say which questions were asked before the ratings were seen. What was found on the way is a finding to check next time.
# - Give every number its interval and its base, and put what the data cannot show beside what they can.
# - Keep the folder of the report: `manifest.json` has the fingerprints of the ratings, the versions and the settings, so that anybody
#   who holds the ratings can make it again to the byte.
# - Answer the checklist's items that only you can answer: how officers and cases were chosen, and whether they rated alone.
