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
# # Planning the second exercise
#
# How many officers, how many vignettes, and what would it show? No formula answers that for many officers who rate few
# vignettes on ordered categories, each officer only some of them. So the exercise is simulated, many times, before it is held.
#
# > **Every rating here is synthetic.** Parameters are fitted to a simulated pilot or are design choices. No number below says
# > anything about real officers or real cases.

# %%
import tempfile
from pathlib import Path

import pandas as pd

import arms_irr as irr

pd.set_option("display.max_rows", 100, "display.max_colwidth", 120)
pilot = irr.example("pilot")


def table(result, value="estimate", **where):
    """Some rows of a result, rounded, with the Monte Carlo error beside each value."""
    frame = result.where(**where).to_frame()
    return frame[[*[c for c in result.by if c not in where], "coefficient", value, "se"]].round(3)


# %% [markdown]
# ## 1. What the pilot's vignettes can show
#
# A factor whose gold standard never varies shows no reliability, however many officers rate it.

# %%
print("\n".join(irr.vignette_diagnostics(pilot).notes))

# %% [markdown]
# ## 2. Which gold standards the next vignettes need
#
# Every factor should carry each gold, in both risk bands; otherwise it shows the band instead of the factor.

# %%
profiles = irr.gold_profiles({"lower": 6, "higher": 6})
profiles.to_frame().pivot_table(index="factor", columns=["risk_band", "gold"], values="estimate", sort=False).head(3)

# %% [markdown]
# ## 3. Who rates what
#
# Twelve vignettes are too many for one officer's afternoon. In linked incomplete blocks each officer rates six: two links that
# everybody rates, and four others, dealt out so that pairs of vignettes meet about equally often.

# %%
design = irr.build_design({"police": 20, "probation": 20}, {"lower": 6, "higher": 6}, per_officer=6, links=2)
quality = irr.block_quality(design)
print(quality.notes[0], f"Efficiency factor {quality.get('efficiency_factor').value:.2f}.")
pd.DataFrame(irr.assignment_table(design)).head(6)

# %% [markdown]
# ## 4. Parameters from the pilot
#
# How noisy officers are, how much their levels differ, and how much they read into a case as a whole. With two cases the intervals
# are wide, and a plan that forgets them is too sure of itself.

# %%
fitted = irr.fit_parameters(pilot)
fitted.result().to_frame()[["parameter", "estimate", "ci_low", "ci_high"]].round(2).head(10)

# %% [markdown]
# ## 5. What the exercise would show
#
# Two questions, two half-widths: for *other officers* on these vignettes (what the report's intervals cover), and for *other officers
# and other vignettes*.

# %%
shown = irr.precision(design, fitted.parameters, replications=100)
shown.where("half_width", statistic="exact").to_frame().pivot_table(index="group", columns="inference", values="estimate", sort=False).mul(100).round(1)

# %% [markdown]
# And how often would it show the differences that are asked beforehand? By tests over officers, with Holm's procedure:

# %%
table(shown, coefficient="power_holm", inference="raters")

# %% [markdown]
# ## 6. Officers or vignettes?
#
# Golds are drawn from the pilot's mix, parameters are the shipped ones: design choices, not estimates. The standard deviation of the agreement with gold on
# higher-risk vignettes, for other officers and other vignettes:

# %%
sizes = irr.trade_off((20, 80), (2, 12), replications=100)
spread = sizes.where("standard_deviation", statistic="exact", group="higher", inference="both").to_frame()
spread.pivot_table(index="cases", columns="officers", values="estimate", sort=False).round(3)

# %%
sd = {(row["cases"], row["officers"]): row.estimate.value for row in sizes.where("standard_deviation", statistic="exact", group="higher", inference="both")}
assert sd["2", "80"] > 0.7 * sd["2", "20"]  # four times the officers barely help
assert sd["12", "20"] < 0.65 * sd["2", "20"]  # six times the vignettes about halve the error

# %% [markdown]
# **From 20 to 80 officers on two vignettes barely helps; from 2 to 12 vignettes about halves the error.** One more vignette, or five more
# officers, starting from the plan:

# %%
more = irr.one_more(design, fitted.parameters, replications=60)
table(more, coefficient="half_width_change", statistic="exact", group="all")

# %% [markdown]
# ## 7. If the parameters are not what we think
#
# Assurance: the same exercise over parameters drawn from what the pilot tells about them.

# %%
sure = irr.assurance(fitted, design, draws=10, replications=15, goals={"exact": 0.03})
sure.where(statistic="exact", group="all").to_frame()[["inference", "coefficient", "estimate", "ci_low", "ci_high"]].round(3)

# %% [markdown]
# ## 8. What formulas say, and where they mislead
#
# The agreement with gold over officers has a closed form (Kish's design effect); it agrees with the simulation above where an officer's hits hardly go
# together. It says nothing about other vignettes.

# %%
exact = shown.get("mean", statistic="exact", group="all", inference="raters").value
{rho: round(100 * float(irr.gold_agreement_half_width(40, 6 * 12, exact, rho)), 2) for rho in (0.0, 0.01, 0.05)}

# %% [markdown]
# Cantor's formula asks for so many *subjects* to tell a kappa of 0.60 from 0.40. Ratings of forty officers on twelve vignettes are not so many subjects.

# %%
round(float(irr.n_for_kappa(0.4, 0.6, 0.5)))

# %% [markdown]
# ## 9. The plan as a document
#
# On the command line: `arms-irr plan data/pilot --officers 40 --cases 12 -o plan`. The folder holds the protocol section with the sample size in the words that
# GRRAS asks for, who rates what (`assignments.csv`, ready for `arms-irr form`) and `plan.toml`, from which it can be made again. Here a
# small one, in Markdown only:

# %%
with tempfile.TemporaryDirectory() as folder:
    plan = irr.plan(pilot, Path(folder) / "plan", officers=20, cases=6, replications=30, draws=4, goals={"exact": 0.05}, formats=["md"])
    files = sorted(path.name for path in plan.iterdir())
    page = (plan / "report.md").read_text("utf-8")
print(files)
print(page[page.index("## Main points"):page.index("## What this plan")])
