"""The catalogue of texts, and numbers that say where they come from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import arms_irr as irr
from arms_irr.errors import ArgumentError
from arms_irr.reporting.document import Cited, Document, Paragraph, Section, Strong, plain
from arms_irr.reporting.evaluation import draft_of, evaluation
from arms_irr.reporting.questions import GOLD_BY_BAND
from arms_irr.reporting.trace import NUMBERS, trace
from arms_irr.reporting.voice import Label, voice
from arms_irr.statistics.estimate import Estimate

PACKAGE = Path(irr.__file__).parent
SHARE = Estimate(0.6624, ci_low=0.562, ci_high=0.746, n_raters=20, n_ratings=134, flags=())


def test_numbers_read_as_people_count():
    say = voice("en")
    assert say.share(SHARE).text == "66 %"
    assert say.of_100(SHARE).text == "66 of every 100"
    assert say.of_100(replace(SHARE, value=0.001)).text == "fewer than 1 of every 100"
    assert say.share(replace(SHARE, value=0.999)).text == "more than 99 %"
    assert say.share(replace(SHARE, value=1.0)).text == "100 %"
    assert say.points(replace(SHARE, value=-0.124)).text == "12 percentage points"
    assert plain(say.base(SHARE, say.officers(SHARE), say.ratings(SHARE))) == "(95 % interval 56 to 75; 20 officers, 134 ratings)"
    assert plain(say.base(replace(SHARE, ci_low=float("nan")))) == "(no interval can be given)"
    assert "nobody gave a rating" in plain(say.base(Estimate(float("nan"), flags=("no-ratings",))))
    assert say.share(Estimate(float("nan"))).text == "n/a"
    assert plain(say.two_limits(SHARE, SHARE)) == "95 % intervals 56 to 75 and 56 to 75"
    assert say.count(Estimate(1.0), "factor").text == "1 factor"
    assert plain(say.listed(["a", "b", Label("c3")])) == "a, b and c3"
    assert plain(say.series(["a", "b"])) == "a; b"


def test_a_text_is_filled_and_its_emphasis_carried():
    say = replace(voice("en"), entries={"x.y": "Officers **met {share} {where}**."})
    text = say("x.y", share=say_share(), where=Label("in case 7"))
    assert plain(text) == "Officers met 66 % in case 7."
    assert text[1] == Strong("met ")
    assert isinstance(text[2], Cited)
    assert text[2].strong
    assert text[2].of is SHARE


def say_share() -> Cited:
    return voice("en").share(SHARE)


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ({"share": "66 %", "where": "here"}, "holds a number"),
        ({"share": say_share()}, "nothing is given for {where}"),
        ({"share": say_share(), "where": "here", "more": "x"}, "no place for more"),
    ],
)
def test_what_is_not_said_right_is_refused(filled, words):
    say = replace(voice("en"), entries={"x.y": "Officers met {share} {where}."})
    with pytest.raises(ArgumentError, match=re.escape(words)):
        say("x.y", **filled)


def test_unknown_language_and_key():
    with pytest.raises(ArgumentError, match="no catalogue"):
        voice("xx")
    with pytest.raises(ArgumentError, match="no text"):
        voice("en")("main.nowhere")


def test_every_text_is_used():
    """A key of the catalogue stands, whole or with its ending computed, somewhere in the code."""
    code = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    computed = [re.escape(p).replace("X", r"\w+") for p in re.sub(r"\{[^{}]*\}", "X", code).split('"') if "." in p and "X" in p and len(p) < 60]
    pattern = re.compile("|".join(f"(?:{p})" for p in computed if re.fullmatch(r"(?:\\\.|\\w\+|\w|\+|\\)+", p)) or "$^")
    unused = [key for key in voice("en").entries if f'"{key}"' not in code and not pattern.fullmatch(key)]
    assert not unused


@pytest.fixture(scope="module")
def draft():
    return draft_of(irr.example("pilot"))


def test_every_number_in_the_prose_stands_in_the_trace(draft):
    """Each number of each sentence is a cited one, belongs to the catalogue's wording, or to a name."""
    document = evaluation(draft)
    content = json.loads(trace(document, draft.asked, draft.counts))
    assert content["sentences"]
    for sentence in content["sentences"]:
        known = [n for cited in sentence["numbers"] for n in NUMBERS.findall(cited["text"])]
        known += sentence.get("wording", []) + sentence.get("names", [])
        assert sorted(NUMBERS.findall(sentence["text"])) == sorted(known), sentence
        for cited in sentence["numbers"]:
            if "row" in cited:
                result = content["results"][cited["result"]]
                row = result["rows"][str(cited["row"])]
                assert len(row) == len(result["columns"]) + len(result["parts"])
                assert {"estimate", "method", "target", "n_raters", "flags"} <= {*result["every_row"], *result["columns"]}
            else:
                assert cited["result"] in content["counts"]


def test_a_number_from_nowhere_is_refused(draft):
    draft.ask(GOLD_BY_BAND)
    page = Section("s", "S", (Paragraph((voice("en").share(SHARE),)),))
    with pytest.raises(ArgumentError, match="stands in no result"):
        trace(Document("T", (page,)), draft.asked, draft.counts)
