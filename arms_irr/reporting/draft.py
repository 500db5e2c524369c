"""Draft: what every section of a report is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from arms_irr.analysis.result import Result
from arms_irr.reporting.document import Column, Figure, Paragraph, Section, Table, Text, pieces
from arms_irr.reporting.naming import Names
from arms_irr.reporting.questions import Options, Question, answer, band_of
from arms_irr.reporting.voice import Label, Voice
from arms_irr.reporting.wording import coefficient, footnotes, interval, letters, marks, number, signed
from arms_irr.statistics.estimate import Estimate
from arms_irr.study.study import Study

__all__ = ["FEW_CASES", "Draft", "coefficients_cells", "estimates_table", "nothing", "points_cells", "share_cells", "signed_cells"]

FEW_CASES = 3  # up to here every case has its own tables on the pages


@dataclass(frozen=True)
class Draft:
    """A study, what things are called, how the report speaks, and what has been asked so far.

    Attributes
    ----------
    asked : dict of str to Result
        Every question that a section asked, by name; answered once.
    counts : dict of str to Estimate
        What sections counted themselves (rows of a table, factors that stand out), by name.
    step : callable
        Told in words what comes next.
    png : bool
        Whether pictures are wanted as PNG too.
    untold : set of str
        Questions whose rows are in report.json only.
    """

    study: Study
    options: Options
    names: Names
    say: Voice
    asked: dict[str, Result] = field(default_factory=dict)
    counts: dict[str, Estimate] = field(default_factory=dict)
    step: Callable[[str], None] = lambda words: None
    png: bool = False
    untold: set[str] = field(default_factory=set)

    def ask(self, question: Question) -> Result:
        """The answer; a Result without rows, whose note says why, where the study does not carry the question."""
        if question.name not in self.asked:
            if question.step:
                self.step(self.say.word(f"steps.{question.step}"))
            self.asked[question.name] = answer(question, self.study, self.options)
            if not question.table:
                self.untold.add(question.name)
        return self.asked[question.name]

    @property
    def band(self) -> str:
        """The column that divides the report: ``risk_band``, or ``case`` in a study without bands."""
        return band_of(self.study)

    @property
    def bands(self) -> tuple[str, ...]:
        """Its values in order."""
        return self.study.bands or self.study.cases

    @property
    def tables(self) -> dict[str, Result]:
        """What is written as tables: every answer with rows, but for those in report.json only."""
        return {name: result for name, result in self.asked.items() if result.rows and name not in self.untold}

    def fact(self, of: str) -> Estimate:
        """One of the counts of :func:`arms_irr.analysis.facts.facts`."""
        from arms_irr.reporting.questions import FACTS

        return self.ask(FACTS).get("count", of=of)

    def counted(self, name: str, n: float, of: Estimate | None = None) -> Estimate:
        """A count that a section made itself, kept under a name for report.json."""
        bases = (of.n_subjects, of.n_raters, of.n_ratings) if of else (0, 0, 0)
        self.counts[name] = Estimate(
            float(n), method="count", n_subjects=bases[0], n_raters=bases[1], n_ratings=bases[2]
        )
        return self.counts[name]

    @property
    def source(self) -> Text:
        """Where the data of a caption come from."""
        return self.say("captions.source", title=Label(self.study.title))

    @property
    def interval_head(self) -> Label:
        """Head of a column of intervals: "95 % interval"."""
        level = number(100 * self.options.confidence_level, 1).removesuffix(".0")
        return Label(self.say.word("captions.interval").format(level=level))

    @property
    def many_cases(self) -> bool:
        """Whether single cases go to the tables beside the report rather than onto its pages."""
        return len(self.study.cases) > FEW_CASES

    def figure(
        self, id: str, title: Text, caption: Text, alt: Text, draw: Callable[..., object], *results: object, **options: object
    ) -> Figure:
        """A figure drawn by one of :mod:`arms_irr.plots`; ``title`` states the finding."""
        from arms_irr.plots import save_svg
        from arms_irr.reporting.pdf import to_png

        drawn = draw(*results, synthetic=self.study.synthetic, **options)
        said = (*pieces(caption), " ", *pieces(self.source))
        svg = save_svg(drawn)
        return Figure(id, said, alt, svg, title, to_png(svg) if self.png else b"")

    @property
    def base(self) -> Text:
        """The size of the study under a table or figure: "Base: 20 officers, 2 cases."."""
        say = self.say
        return say("captions.base", officers=say.count(self.fact("officers"), "officer"), cases=say.count(self.fact("cases"), "case"))

    def absent(self, id: str, title: str, *results: Result) -> Section:
        """A section that the study does not carry: its heading and one sentence saying why."""
        why = next((note for result in results for note in result.notes), self.say.word("captions.absent"))
        why = why[0].upper() + why[1:]
        return Section(id, title, (Paragraph((Label(why if why.endswith(".") else why + "."),)),))


def share_cells(estimate: Estimate) -> tuple[str, str]:
    """A share and its interval in a table: "66.0", "56.2 to 74.6"."""
    return number(100 * estimate.value, 1), interval(estimate, 100, 1)


def points_cells(estimate: Estimate) -> tuple[str, str]:
    """A difference of shares in percentage points and its interval: "+12.4", "3.1 to 21.7"."""
    return signed(100 * estimate.value, 1), interval(estimate, 100, 1)


def coefficients_cells(estimate: Estimate) -> tuple[str, str]:
    """A coefficient and its interval in a table: "0.520", "0.342 to 0.665"."""
    return coefficient(estimate.value, table=True), interval(estimate, 1, 3)


def signed_cells(estimate: Estimate) -> tuple[str, str]:
    """A difference in steps and its interval."""
    return signed(estimate.value), interval(estimate, 1, 2)


def estimates_table(
    id: str, caption: Text, head: Sequence[Column], rows: Iterable[tuple[Sequence[str], Sequence[Estimate]]], *,
    cells: Callable[[Estimate], tuple[str, ...]] = share_cells, notes: Sequence[Text] = (),
    groups: Sequence[tuple[str, int]] = (), after: Sequence[Text] = (),
) -> Table:
    """A table whose rows are some words, then a value and an interval for each estimate, then footnote letters.

    ``head`` names every column but that of the footnotes, which is added where a row needs it.
    """
    lines = [(tuple(words), tuple(estimates)) for words, estimates in rows]
    known = letters(estimate for _, estimates in lines for estimate in estimates)
    body = []
    for words, estimates in lines:
        shown = [cell for estimate in estimates for cell in cells(estimate)]
        marked = ", ".join(sorted({mark for e in estimates for mark in marks(e, known).split(", ") if mark}))
        body.append((*words, *shown, *((marked,) if known else ())))
    columns = (*head, *((Column("Note", align="left"),) if known else ()))
    explained = tuple(Label(note) for note in footnotes(known))
    return Table(f"table-{id}", caption, columns, tuple(body), (*notes, *explained, *after), tuple(groups))


def nothing(result: Result) -> bool:
    """Whether a result has nothing to show."""
    return not any(row.estimate.estimable for row in result)
