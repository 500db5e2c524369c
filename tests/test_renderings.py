"""PDF, Word and Excel: sound files, hostile words literally, the same numbers in every format, the same bytes twice."""

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import docx
import openpyxl
import pypdf
import pytest
from docx.oxml.ns import qn
from small_document import HOSTILE, SVG, example, numbers, png

from arms_irr.analysis.result import Result, Row
from arms_irr.errors import ArgumentError, DataError
from arms_irr.reporting.columns import column_widths
from arms_irr.reporting.document import Column, Document, Figure, Paragraph, Section, Table
from arms_irr.reporting.docx import to_docx
from arms_irr.reporting.html import to_html
from arms_irr.reporting.markdown import to_markdown
from arms_irr.reporting.pdf import to_pdf
from arms_irr.reporting.xlsx import to_xlsx
from arms_irr.statistics.estimate import Estimate, undefined

NAMES = (*HOSTILE, "漢字 and ไทย", "مرحبا بالعالم", "zero\x00 bell\x07 tab\t line\n half \ud800")


def results(name: str = "Opportunity") -> dict[str, Result]:
    rows = (
        Row({"factor": name}, "percent", Estimate(2 / 3, 0.1, 0.5, 0.8, n_raters=20, parts={"design effect": 1.25})),
        Row({"factor": "B"}, "gwet", undefined("one-rater")),
        Row({"factor": "C"}, "months", Estimate(float("inf"))),
    )
    result = Result(f"What is {name}?", ("factor",), rows, (f"A note on {name}.",), 7, synthetic=True)
    return {"agreement": result, "Agreement": result, "a" * 40: result, "b/c:[d]": result}


def literal(name: str) -> str:
    """What a page shows of a name: controls taken out, white space as one space."""
    return re.sub(r"[\x00-\x08\x0e-\x1f\ud800]", "\N{REPLACEMENT CHARACTER}", " ".join(re.split(r"[\s]+", name))).strip()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def word_text(data: bytes) -> str:
    body = docx.Document(io.BytesIO(data)).element.body
    return "\n".join("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p")))


def structure(data: bytes) -> list[tuple[str, dict]]:
    """Every element of the PDF's structure tree, in order."""
    found = []

    def visit(node):
        node = node.get_object()
        if isinstance(node, list):
            for kid in node:
                visit(kid)
        elif isinstance(node, dict):
            if "/S" in node:
                found.append((node["/S"], node))
            if "/K" in node:
                visit(node["/K"])

    visit(pypdf.PdfReader(io.BytesIO(data)).trailer["/Root"]["/StructTreeRoot"])
    return found


# --- hostile words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_appear_literally_in_pdf(name):
    data = to_pdf(example(name))
    text = squeezed(pdf_text(data))
    parts = [squeezed(name)] if name.isascii() else name.split()  # pypdf orders right-to-left words by their place
    assert all(text.count(part) >= 8 for part in parts), text
    assert [kind for kind, _ in structure(data) if kind in ("/Link", "/H1", "/H2", "/L", "/Table")] == [
        kind for kind, _ in structure(to_pdf(example())) if kind in ("/Link", "/H1", "/H2", "/L", "/Table")
    ]
    assert pypdf.PdfReader(io.BytesIO(data)).metadata.title == f"Report {name}"


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_appear_literally_in_word(name):
    data = to_docx(example(name))
    word = docx.Document(io.BytesIO(data))
    assert squeezed(word_text(data)).count(squeezed(literal(name))) >= 12
    assert len(list(word.element.body.iter())) == len(list(docx.Document(io.BytesIO(to_docx(example()))).element.body.iter()))
    alt = next(word.element.body.iter(qn("wp:docPr"))).get("descr")
    assert squeezed(alt) == squeezed(f"Alt {literal(name)}")


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_text_and_never_formulas_in_excel(name):
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(example(name), results(name))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert sum(squeezed(cell.value) == squeezed(literal(name)) for cell in cells) >= 4
    assert {cell.data_type for cell in cells} == {"s"}, "no formula"
    assert all(cell.quotePrefix for cell in cells if cell.value.startswith(("=", "+", "-", "@")))


@pytest.mark.parametrize("name", NAMES)
def test_no_name_stops_a_format(name):
    document = example(name)
    assert to_pdf(document).startswith(b"%PDF")
    assert "\x00" not in to_html(document) + to_markdown(document)
    assert (to_html(document) + to_markdown(document)).encode("utf-8")


def test_a_long_word_stays_on_the_page():
    """It breaks anywhere, in running text and in a table, and is copied out without a mark."""
    table = Table("t", "c", (Column("A"), Column("B")), (("word" * 80, "1"),))
    document = Document("d", (Section("s", "S", (Paragraph("long" * 80), table)),))
    places = []

    def read(words, cm, tm, *_):
        if words.strip():
            places.append((tm[4] * cm[0] + cm[4], round(tm[5] * cm[3] + cm[5])))

    text = pypdf.PdfReader(io.BytesIO(to_pdf(document))).pages[0].extract_text(visitor_text=read)
    assert "long" * 80 in squeezed(text)
    assert "word" * 80 in squeezed(text)
    assert max(left for left, _ in places) < 595 - 70
    assert len({line for _, line in places}) > 10, "several lines each"


# --- the same numbers ---------------------------------------------------------------------------------------------

NUMBER = re.compile(r"[−+]?\d[\d,]*(?:\.\d+)?")


def tokens(text: str) -> list[str]:
    return sorted(NUMBER.findall(text.replace("\N{NO-BREAK SPACE}", " ")))


class Sections(HTMLParser):
    """The text of every section on the top level."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.depth = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.depth += tag == "section"
        if tag == "section" and self.depth == 1:
            self.found.append("")

    def handle_endtag(self, tag):
        self.depth -= tag == "section"

    def handle_data(self, data):
        if self.depth:
            self.found[-1] += data + " "


def markdown_sections(text: str) -> list[str]:
    body = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text.rpartition("\n---\n")[0])
    return [part.replace("\\", "") for part in re.split(r"^## ", body, flags=re.MULTILINE)[1:]]


def word_sections(data: bytes, after: str = "Seed") -> list[str]:
    """Without what follows the last section, which begins with the last ``after``."""
    found: list[str] = []
    for p in docx.Document(io.BytesIO(data)).element.body.iter(qn("w:p")):
        style = p.pPr.pStyle.val if p.pPr is not None and p.pPr.pStyle is not None else ""
        if style == "Heading1":
            found.append("")
        if found and style != "toc1":
            found[-1] += "".join(t.text or "" for t in p.iter(qn("w:t"))) + " "
    note = found[-1].rindex(f"{after}: ")  # how the document came about stands after the last section
    return [*found[:-1], found[-1][:note]]


def pdf_sections(data: bytes, after: str = "Seed") -> list[str]:
    """By the places where the outline leads; without running heads, the contents, and what follows the last section."""
    reader = pypdf.PdfReader(io.BytesIO(data))
    starts = [(reader.get_destination_page_number(mark), -mark.top) for mark in reader.outline if not isinstance(mark, list)]
    found = [""] * len(starts)
    skip: tuple[int, int] | None = None
    for number, page in enumerate(reader.pages):
        high, wide = float(page.mediabox.height), float(page.mediabox.width)
        lines: list[tuple[float, str]] = []

        def read(words, cm, tm, *_, lines=lines):
            lines.append((tm[5] * cm[3] + cm[5], words))

        page.extract_text(visitor_text=read)
        assert wide > 500
        for top, words in lines:
            section = sum(start <= (number, -top - 2) for start in starts) - 1
            if words.strip() == "Contents":
                skip = (section, number)
            if section < 0 or not 65 < top < high - 65 or (skip and skip[0] == section):
                continue
            found[section] += words + (" " if words.endswith("\n") else "")
    found[-1] = found[-1][: found[-1].rindex(after)]
    return found


def test_every_format_says_the_same_numbers():
    document = numbers()
    html = [tokens(part) for part in Sections(to_html(document)).found]
    assert len(html) == len(document.sections)
    assert all(html)
    assert sum(map(len, html)) > 500
    assert [tokens(part) for part in markdown_sections(to_markdown(document))] == html
    assert [tokens(part) for part in word_sections(to_docx(document))] == html
    # heads that are repeated on every page say their numbers again
    assert [set(tokens(part)) for part in pdf_sections(to_pdf(document))] == [set(part) for part in html]


# --- the same bytes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [to_pdf, to_docx, lambda d: to_xlsx(d, results())], ids=["pdf", "docx", "xlsx"])
def test_same_bytes_twice_and_no_date(write):
    data = write(numbers())
    assert data == write(numbers())
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert set(re.findall(r"\d{4}-\d\d-\d\d", archive.read("docProps/core.xml").decode())) == {"2000-01-01"}
    else:
        assert "/CreationDate" not in pypdf.PdfReader(io.BytesIO(data)).metadata


# --- PDF ----------------------------------------------------------------------------------------------------------


def test_pdf_is_tagged_and_described():
    data = to_pdf(numbers())
    reader = pypdf.PdfReader(io.BytesIO(data))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == "All the numbers"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    tags = [kind for kind, _ in structure(data)]
    assert tags.count("/Table") == 4
    assert tags.count("/TH") >= 4 + 10 + 14 + 6
    assert [node["/Alt"] for kind, node in structure(data) if kind == "/Figure"] == ["A dot at 0.5"]
    assert {"/H1", "/Caption", "/L", "/Link", "/TOC"} <= set(tags)


def test_pdf_pages():
    reader = pypdf.PdfReader(io.BytesIO(to_pdf(numbers())))
    sizes = {(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in reader.pages}
    assert sizes == {(595, 842), (842, 595)}, "the wide table turns its page"
    last = len(reader.pages)
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        assert f"page {number} of {last}" in text
        assert number == 1 or ("All the numbers" in text and "Synthetic data" in text)
    heads = [page for page in reader.pages if "Column 3" in page.extract_text() and "Table 4" not in page.extract_text()]
    assert len(heads) >= 2, "heads are repeated"
    assert [mark.title for mark in reader.outline if not isinstance(mark, list)][:2] == ["Main points", "What these data can and cannot show"]


def test_a_figure_without_alternative_text_is_refused_by_typst_too():
    document = example()
    figure = document.figures[0]
    object.__setattr__(figure, "alt", "")
    with pytest.raises(ArgumentError, match="alt"):
        to_pdf(document)


# --- Word ---------------------------------------------------------------------------------------------------------


def test_word_has_real_headings_captions_and_tables():
    word = docx.Document(io.BytesIO(to_docx(numbers())))
    styles = [p.style.name for p in word.paragraphs]
    assert styles.count("Heading 1") == 6
    assert styles.count("Caption") == 5
    assert styles[0] == "Title"
    fields = [node.text for node in word.element.body.iter(qn("w:instrText"))]
    assert sum("SEQ Table" in field for field in fields) == 4
    assert sum("SEQ Figure" in field for field in fields) == 1
    marks = {node.get(qn("w:name")) for node in word.element.body.iter(qn("w:bookmarkStart"))}
    assert {field.split()[1] for field in fields if field.split()[0] == "REF"} <= marks
    assert next(p.text for p in word.paragraphs if p.style.name == "Caption").startswith("Table 1. A table with 4 columns Synthetic data.")
    for table in word.tables:
        rows = table._tbl.tr_lst
        assert rows[0].trPr.find(qn("w:tblHeader")) is not None
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))
        assert table._tbl.tblPr.find(qn("w:tblDescription")).get(qn("w:val"))
    for table in word.tables[1:]:
        assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in table._tbl.tr_lst)


def test_word_pages_and_properties():
    word = docx.Document(io.BytesIO(to_docx(numbers())))
    assert (word.core_properties.title, word.core_properties.language) == ("All the numbers", "en-GB")
    assert [section.page_width < section.page_height for section in word.sections] == [True, False, True]
    room = [section.page_width - section.left_margin - section.right_margin for section in word.sections]
    widths = [sum(int(column.get(qn("w:w"))) * 635 for column in table._tbl.tblGrid.gridCol_lst) for table in word.tables]
    assert all(width <= (room[1] if index == 3 else room[0]) for index, width in enumerate(widths))
    assert max(widths) > room[0]
    for section in word.sections:
        assert section.header.paragraphs[0].text == "All the numbers\tSynthetic data"
        assert section.footer.paragraphs[0].text == "\tpage 1 of 1"
    (shape,) = word.inline_shapes
    assert shape._inline.docPr.get("descr") == "A dot at 0.5"
    assert shape.width <= room[0]
    languages = word.styles.element.xpath("w:docDefaults//w:lang/@w:val")
    assert languages == ["en-GB"]


def test_word_needs_pictures():
    document = example()
    bare = replace(document.figures[0], png=b"")
    with pytest.raises(ArgumentError, match="save_png"):
        to_docx(replace(document, sections=(Section("s", "S", (bare,)),)))


def test_tall_pictures_fit_the_page():
    tall = Figure("f", "Tall", "Tall", SVG, png=png(10, 60))
    word = docx.Document(io.BytesIO(to_docx(Document("d", (Section("s", "S", (tall,)),)))))
    (shape,) = word.inline_shapes
    assert shape.height < word.sections[0].page_height - 2 * word.sections[0].top_margin
    assert shape.height / shape.width == pytest.approx(6, rel=1e-3)


@pytest.fixture
def house(tmp_path):
    """A template in another style, with words of its own, as .docx."""
    word = docx.Document()
    word.styles["Heading 1"].font.name = "Garamond"
    word.styles.add_style("Report Note", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH).font.name = "Courier"
    word.sections[0].header.paragraphs[0].text = "Constabulary of Somewhere"
    word.add_paragraph("Sample words that must go.")
    path = tmp_path / "house.docx"
    word.save(path)
    return path


def test_a_template_gives_its_styles_and_keeps_its_header(house):
    word = docx.Document(io.BytesIO(to_docx(numbers(), house)))
    assert word.styles["Heading 1"].font.name == "Garamond"
    assert word.styles["Report Note"].font.name == "Courier"
    assert [p.text for p in word.sections[0].header.paragraphs] == ["Constabulary of Somewhere", "All the numbers\tSynthetic data"]
    assert not any("Sample words" in p.text for p in word.paragraphs)
    assert tokens(word_text(to_docx(numbers(), house))) == tokens(word_text(to_docx(numbers())))


def test_a_dotx_will_do(house, tmp_path):
    template = tmp_path / "house.dotx"
    with zipfile.ZipFile(house) as old, zipfile.ZipFile(template, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"document.main+xml", b"template.main+xml"))
    assert to_docx(example(), template) == to_docx(example(), house)


def test_every_mistake_in_a_template_is_named_at_once(house):
    word = docx.Document(str(house))
    for name in ("Caption", "Heading 2"):
        word.styles[name].delete()
    word.styles.add_style("Report Box", docx.enum.style.WD_STYLE_TYPE.CHARACTER)
    word.save(str(house))
    with pytest.raises(DataError) as caught:
        to_docx(example(), house)
    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == 3
    assert all(any(f"'{name}'" in message for message in messages) for name in ("Caption", "Heading 2", "Report Box"))
    assert all(problem.remedy and problem.file == "house.docx" for problem in caught.value.problems)


def test_a_template_without_a_page_is_refused(house):
    word = docx.Document(str(house))
    word.element.body.remove(word.element.body.sectPr)
    word.save(str(house))
    with pytest.raises(DataError, match="no page size"):
        to_docx(example(), house)


def test_a_table_without_rows_and_a_document_without_sections():
    empty = Document("d", (Section("s", "S", (Table("t", "Nothing here", (Column("A"), Column("B")), ()),)),))
    for document in (empty, Document("d", ())):
        assert to_pdf(document).startswith(b"%PDF")
        assert to_docx(document).startswith(b"PK")
        assert to_xlsx(document, {}).startswith(b"PK")
        assert to_html(document)
        assert to_markdown(document)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not a zip", "no Word document"), (None, "cannot be read"), ({"[Content_Types].xml": "x"}, "no Word document"),
     ({"[Content_Types].xml": "application/vnd.ms-word.document.macroEnabled.main+xml"}, "macros"),
     ({"[Content_Types].xml": "wordprocessingml.document.main+xml", "word/styles.xml": ""}, "no Word document"),
     ({"[Content_Types].xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", "word/styles.xml": ""},
      "no Word document")],
)  # fmt: skip
def test_what_is_no_template_is_refused(tmp_path, content, words):
    path = tmp_path / "template.docx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with pytest.raises(DataError, match=words) as caught:
        to_docx(example(), path)
    assert caught.value.problems[0].remedy


@pytest.mark.office
@pytest.mark.parametrize("document", [numbers(), example("$x_1$ <b> #"), example("שלום עולם")], ids=["numbers", "markup", "hebrew"])
def test_an_office_opens_the_word_file(document, tmp_path):
    """LibreOffice reads the same text as python-docx does."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is not there: apt-get install libreoffice-writer-nogui, or leave -m office out"
    path = tmp_path / "report.docx"
    path.write_bytes(to_docx(document))
    command = [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "txt:Text (encoded):UTF8", "--outdir"]
    subprocess.run([*command, str(tmp_path), str(path)], check=True, capture_output=True, timeout=120)
    said = (tmp_path / "report.txt").read_text("utf-8-sig").replace("•", "")
    assert squeezed(said) == squeezed(word_text(path.read_bytes()))


# --- Excel --------------------------------------------------------------------------------------------------------


def test_workbook():
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(numbers(), results())))
    assert book.sheetnames == ["Contents", "agreement", "Agreement 2", "a" * 31, "b-c--d-"]
    first = book["Contents"]
    assert first["A1"].value == "All the numbers"
    assert first["A2"].value.startswith("Synthetic data.")
    assert [row[0].value for row in first.iter_rows(min_row=5)] == book.sheetnames[1:]
    assert first["B5"].value == "What is Opportunity?"
    assert first["A5"].hyperlink.location or first["A5"].hyperlink.target
    sheet = book["agreement"]
    assert (sheet["A1"].value, sheet.freeze_panes) == ("What is Opportunity?", "A5")
    assert sheet["A2"].value.startswith("Synthetic data.")
    heads = [cell.value for cell in sheet[4]]
    rows = [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=5, max_row=7)]
    assert sheet.auto_filter.ref == f"A4:{sheet.cell(4, len(heads)).column_letter}7"
    assert rows[0]["estimate"] == 2 / 3, "full precision"
    assert (rows[0]["statistic"], rows[0]["unit"], rows[0]["design effect"]) == ("Percent agreement", "share", 1.25)
    assert (rows[1]["estimate"], rows[1]["flags"]) == (None, "one-rater")
    assert rows[2]["estimate"] == "infinite"
    below = [row[0].value for row in sheet.iter_rows(min_row=9)]
    assert "A note on Opportunity." in below
    assert any(line.startswith("Unit share:") for line in below)
    assert any(line.startswith("one-rater: only one rater") for line in below)
    assert below[-1] == "Seed of the random numbers: 7."


def test_workbook_says_synthetic_only_where_it_is_so():
    plain = {name: replace(result, synthetic=False) for name, result in results().items()}
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(example(synthetic=False), plain)))
    assert not any("ynthetic" in str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)


# --- widths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [20, 60, 100, 400])
def test_columns_fit_the_room(room):
    for block in numbers().sections[3].blocks:
        if isinstance(block, Table):
            widths = column_widths(block, room)
            assert sum(widths) <= room + 1e-9
            assert min(widths) > 0


def test_numbers_are_never_broken_where_there_is_room():
    table = Table("t", "c", (Column("Factor"), Column("Interval")), (("A long name of a factor " * 4, "−0.123 to −0.045"),))
    name, interval = column_widths(table, 60)
    assert interval >= len("0.123 to 0.045")
    assert name > 30


def test_pieces_of_the_report_ship_with_the_package():
    folder = Path(to_html.__code__.co_filename).parent
    assert all((folder / name).exists() for name in ("report.css", "report.js", "report.html.j2", "report.typ"))
