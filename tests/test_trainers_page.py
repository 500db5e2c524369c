"""The trainer's page shows real output: the day is lived again, from the form to the twin."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
from test_forms import fill
from typer.testing import CliRunner

from arms_irr.cli.main import app
from arms_irr.study.kit import read_kit

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "trainers.md").read_text("utf-8")
STEPS = [(command, shown) for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
         for command, shown in re.findall(r"^\$ arms-irr (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]


def in_order(shown: str, output: str) -> str:
    """The first piece of what the page shows that does not follow in the output; empty when all do."""
    at = 0
    for piece in shown.split("...\n"):
        found = output.find(piece, at)
        if found < 0:
            return piece
        at = found + len(piece)
    return ""


def come_back(folder: Path) -> None:
    """The forms filled in with the ratings of the synthetic pilot; the last officer's does not come back."""
    given: dict[str, dict[tuple[str, str, str], str]] = {}
    with open(ROOT / "data" / "pilot" / "ratings.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            answers = given.setdefault(row["rater"], {})
            answers |= {(row["case"], row["factor"], name): row[name] for name in ("rating", "urgency") if row[name]}
    kit, _ = read_kit(folder)
    for form in kit.forms[:-1]:
        fill(kit, form, folder / form.file, given[form.rater])


def test_the_page_shows_real_output(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.chdir(tmp_path)
    pilot = ROOT / "data" / "pilot"
    (tmp_path / "cases.csv").write_text("case,title,risk_band\ncase_a,Mr A,lower\ncase_b,Mr B,higher\n", "utf-8")
    for name in ("raters.csv", "gold.csv"):
        (tmp_path / name).write_bytes((pilot / name).read_bytes())
    (tmp_path / "data").symlink_to(ROOT / "data")
    assert [command.split()[0] for command, _ in STEPS] == ["form", "collect", "check", "feedback", "certify", "certify", "training", "twin"]
    for command, shown in STEPS:
        result = CliRunner().invoke(app, shlex.split(command), env={"COLUMNS": "100"})
        assert result.exit_code == 0, result.output
        assert not (missing := in_order(shown, result.stdout)), f"arms-irr {command} does not say: {missing}"
        if command.startswith("form"):
            come_back(tmp_path / "forms")


def test_a_page_that_is_wrong_is_found():
    assert in_order("one\n...\nthree\n", "one\ntwo\nthree\n") == ""
    assert in_order("one\n...\nfour\n", "one\ntwo\nthree\n") == "four\n"
    assert in_order("three\n...\none\n", "one\ntwo\nthree\n") == "one\n"
