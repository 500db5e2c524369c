"""The HTML report in a real browser: accessible in light and dark, silent on the network, sortable from the keyboard.

Run with ``pytest -m browser``. Chromium is taken from ``ARMS_IRR_CHROMIUM`` or from the path; with
``ARMS_IRR_BROWSER=required`` its absence is a failure.
"""

import io
import os
import shutil
from pathlib import Path

import pypdf
import pytest
from small_document import HOSTILE, example, numbers

from arms_irr.reporting.document import Column, Document, Section, Table
from arms_irr.reporting.html import to_html

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    program = os.environ.get("ARMS_IRR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        words = "Chromium is not there: apt-get install chromium, or name it in ARMS_IRR_CHROMIUM"
        if os.environ.get("ARMS_IRR_BROWSER") == "required":
            pytest.fail(words)
        pytest.skip(words)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser, tmp_path):
    """Open a document; the page keeps the addresses it asked for and its complaints."""
    pages = []

    def opened(document: Document, **options) -> object:
        path = tmp_path / "report.html"
        path.write_text(to_html(document), encoding="utf-8")
        page = browser.new_page(**options)
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


MIXED = Table(
    "t-mixed",
    "Numbers of every kind",
    (Column("Name"), Column("Value"), Column("Interval"), Column("Word", align="left")),
    (
        ("beta", "−0.25", "−0.5 to −0.1", "low"), ("alpha", "1,204", "3 to 4", "high"), ("gamma", "n/a", "n/a", "medium"),
        ("delta", "12.5", "1.5 to 2", ""), ("zeta", "0.10", "0.05 to 0.2", "b"), ("eta", "n/a", "n/a", "a"),
    ),
    groups=(("First", 4), ("Second", 2)),
)  # fmt: skip


def column(page, place: int) -> list[str]:
    return page.locator(f"#t-mixed tbody tr:not(.group) > :nth-child({place})").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("document", [example(), numbers(), example(HOSTILE[0]), example("long" * 80)], ids=["example", "numbers", "script", "long"])
def test_no_accessibility_violations(show, document, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = show(document, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def test_the_page_asks_for_nothing_and_complains_of_nothing(show):
    page = show(numbers())
    asked = [address for address in page.asked if not address.startswith("data:")]
    assert asked == [page.url]
    assert page.complaints == [], "the policy lets the page's own style and script through"
    assert page.locator("thead button").count() > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_do_nothing(show, name):
    page = show(example(name))
    assert page.complaints == []
    assert " ".join(name.split()) in page.locator("main").inner_text()
    assert page.title().startswith("Report ")


def test_tables_sort_from_the_keyboard_within_their_groups(show):
    page = show(Document("d", (Section("s", "S", (MIXED,)),)))
    written = column(page, 1)
    head = page.locator("#t-mixed thead th").nth(1)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, 2) == ["−0.25", "12.5", "1,204", "n/a", "0.10", "n/a"]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 2) == ["1,204", "12.5", "−0.25", "n/a", "0.10", "n/a"], "n/a stays last"
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert column(page, 1) == written
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert column(page, 3) == ["−0.5 to −0.1", "1.5 to 2", "3 to 4", "n/a", "0.05 to 0.2", "n/a"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert column(page, 4) == ["high", "low", "medium", "", "a", "b"]
    assert page.locator("#t-mixed tbody").evaluate_all("bodies => bodies.map(body => body.rows[0].textContent.trim())") == ["First", "Second"]


def test_everything_reads_without_the_script(show, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(to_html(numbers()))
    assert page.locator("thead button").count() == 0
    assert page.locator("tbody tr").count() > 100
    context.close()


def test_it_prints(show):
    page = show(numbers(), color_scheme="dark")
    pdf = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    texts = [sheet.extract_text() for sheet in pdf.pages]
    assert len(texts) >= 4
    assert all(f"page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
    assert all("All the numbers" in text and "Synthetic data" in text for text in texts[1:])
    assert round(float(pdf.pages[0].mediabox.width)) in (594, 595)
    long = [text for text in texts if "Column 3" in text and "Factor A" in text]
    assert len(long) >= 2, "heads are repeated"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(show, width):
    for name in ("Opportunity", "long" * 80):
        page = show(example(name), viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_example_report_is_accessible(browser):
    """The report that ships in the repository, whenever it was made."""
    from axe_playwright_python.sync_playwright import Axe

    path = Path(__file__).parents[1] / "reports" / "example" / "report.html"
    page = browser.new_page()
    page.goto(path.as_uri())
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.close()
