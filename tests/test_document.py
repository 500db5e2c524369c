"""One document, several formats: what a study calls things appears literally, and the page is sound."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from small_document import HOSTILE, SVG, example

from arms_irr.errors import ArgumentError
from arms_irr.reporting import wording
from arms_irr.reporting.document import Column, Document, Figure, Paragraph, Ref, Section, Table, main_points
from arms_irr.reporting.html import to_html
from arms_irr.reporting.markdown import to_markdown
from arms_irr.statistics.estimate import Estimate, undefined


class Page(HTMLParser):
    """The page as a list of (tag, attributes), and its text outside <style> and <script>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._style = tag in ("style", "script")

    def handle_endtag(self, tag):
        self._style = False

    def handle_data(self, data):
        if not self._style:
            self.text.append(data)

    def all(self, *tags):
        return [attrs for tag, attrs in self.tags if tag in tags]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_appear_literally_in_html(name):
    page = Page(to_html(example(name)))
    assert page.text.count(name) >= 8
    assert len(page.all("script")) == 1, "the page's own"
    assert page.all("img")[0]["alt"] == f"Alt {name}"
    assert len(page.tags) == len(Page(to_html(example())).tags)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_appear_literally_in_markdown(name):
    renderer = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify")
    page = Page(renderer.render(to_markdown(example(name))))
    plain = Page(renderer.render(to_markdown(example())))
    text = "\0".join(page.text)
    assert text.count(name) >= 8, text
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.all("img")[0]["alt"] == f"Alt {name}"


def test_page_is_sound():
    html = to_html(example())
    page = Page(html)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) == 1
    assert all(th["scope"] in ("col", "row", "rowgroup") for th in page.all("th"))
    assert all(img["alt"] for img in page.all("img"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    pointers = [a["href"][1:] for a in page.all("a")]
    pointers += [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert set(pointers) <= set(ids)
    assert page.all("html")[0]["lang"] == "en-GB"


def test_page_fetches_and_runs_nothing():
    html = to_html(example())
    page = Page(html)
    assert not re.search(r"(?i)https?://|url\(|@import|javascript:", html)
    assert not page.all("link", "iframe", "object", "form", "base")
    assert all(a.get("src", "data:").startswith("data:") for _, a in page.tags)
    assert all(a.get("href", "#").startswith("#") for _, a in page.tags)
    assert not any(key == "style" or key.startswith("on") for _, attrs in page.tags for key in attrs)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (own,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy, f"the policy would switch the page's own {tag} off"


def test_picture_survives_embedding():
    source = Page(to_html(example())).all("img")[0]["src"]
    assert base64.b64decode(source.partition("base64,")[2]).decode() == SVG


def test_synthetic_is_said_at_the_top_and_in_every_caption():
    for text in (to_html(example()), to_markdown(example())):
        body = text.partition("</style>")[2] or text
        assert body.count("Synthetic data.") == 3
    for text in (to_html(example(synthetic=False)), to_markdown(example(synthetic=False))):
        assert "synthetic data" not in text.casefold()


def test_same_bytes_twice():
    assert to_html(example()) == to_html(example())
    assert to_markdown(example()) == to_markdown(example())


def test_references_carry_the_number():
    assert '<a href="#t-gold">Table 1</a>' in to_html(example())
    assert "see Table 1." in to_markdown(example())


def test_colours_have_contrast_in_light_and_dark():
    css = (Path(to_html.__code__.co_filename).parent / "report.css").read_text("utf-8")
    themes = re.findall(r":root \{(.*?)\}", css, re.S)
    assert len(themes) == 2
    for theme in themes:
        colour = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        for ink, least in (("text", 7), ("quiet", 4.5), ("link", 4.5), ("edge", 4.5)):
            for ground in ("back", "box", "warn") if ink == "text" else ("back",):
                assert _contrast(colour[ink], colour[ground]) >= least, (ink, ground)


def _contrast(one: str, two: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: main_points(("x",) * 7), "one to six"),
        (lambda: Figure("f", "caption", " ", SVG), "alternative text"),
        (lambda: Figure("f", "", "alt", SVG), "no caption"),
        (lambda: Section("s", " ", ()), "no title"),
        (lambda: Table("t", "c", (Column("A"),), (("1", "2"),)), "2 cells for 1 columns"),
        (lambda: Table("t", "c", (Column("A"),), (("1",),), groups=(("g", 2),)), "add up"),
        (lambda: Document("d", (Section("a", "A", ()), Section("a", "B", ()))), "2 times"),
        (lambda: Document("d", (Section("Not an id", "A", ()),)), "plain word"),
        (lambda: Document("d", (Section("a", "A", (Paragraph(("see ", Ref("b"))),)),)), "'b'"),
    ],
)
def test_unsound_documents_are_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_wording_of_numbers():
    assert wording.percent(0.664) == "66 %"
    assert wording.percent(0.004) == "less than 1 %"
    assert wording.percent(0.998) == "more than 99 %"
    assert [wording.percent(x) for x in (0.0, 1.0, float("nan"))] == ["0 %", "100 %", "n/a"]
    assert wording.of_every_100(0.66) == "66 of every 100"
    assert wording.coefficient(-0.0001, table=True) == "0.000"
    assert wording.coefficient(-0.25) == "−0.25"
    assert [wording.signed(x) for x in (0.25, -0.25, 0.001)] == ["+0.25", "−0.25", "0.00"]
    assert [wording.p_value(p) for p in (0.0004, 0.004, 0.04)] == ["p < 0.001", "p = 0.004", "p = 0.04"]
    assert [wording.plural(n, "category", "categories") for n in (1, 2000)] == ["1 category", "2,000 categories"]
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert (wording.listed(["a"]), wording.listed([])) == ("a", "")


def test_wording_of_estimates():
    estimate = Estimate(0.66, ci_low=0.561, ci_high=0.749)
    assert wording.base(estimate, "20 officers", "7 factors") == "(95 % interval 56 to 75; 20 officers, 7 factors)"
    assert wording.base(Estimate(0.66), "3 officers") == "(no interval can be given; 3 officers)"
    assert wording.base(undefined("no-gold")) == "(the study declares no gold rating here)"
    assert wording.interval(estimate, scale=1, decimals=3) == "0.561 to 0.749"
    letters = wording.letters([undefined("weak"), undefined("no-gold"), estimate])
    assert letters == {"no-gold": "a", "weak": "b"}
    assert wording.marks(undefined("weak", "no-gold"), letters) == "a, b"
    assert wording.footnotes(letters)[0] == "a: the study declares no gold rating here."
