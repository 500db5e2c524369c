"""Collecting: the forms that came back become a study, and everything missing or altered is told at once."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from arms_irr.errors import ArgumentError, DataError, Problem, in_order
from arms_irr.instruments import load_instrument, shipped_instruments
from arms_irr.study.kit import (
    INSTRUMENT,
    MANIFEST,
    Kit,
    csv_text,
    fingerprint,
    listed_csv,
    read_kit,
)
from arms_irr.study.opening import read_study
from arms_irr.study.read import read_bytes
from arms_irr.study.returned import Returned, read_form

__all__ = ["COLLECT_MAKER", "Collected", "collect"]

COLLECT_MAKER = "arms-irr collect"
_SYSTEM = ("thumbs.db", "desktop.ini")
_OPEN = ("~$", ".~lock.")  # what Excel and LibreOffice lay beside a file that is open


@dataclass(frozen=True)
class Collected:
    """What came back.

    Attributes
    ----------
    files : dict of str to str or bytes
        Of the study folder, by name.
    manifest : str
        Where every rating came from: each form with its file and its SHA-256, and what was told.
    problems : tuple of Problem
        What is missing or altered; errors only where the forms they are about were skipped.
    used, skipped : tuple of str
        File names.
    absent : tuple of str
        Officers of whom no form came back.
    """

    files: Mapping[str, str | bytes]
    manifest: str
    problems: tuple[Problem, ...]
    used: tuple[str, ...]
    skipped: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass
class _Pile:
    """The forms on the table, while they are sorted."""

    good: list[Returned] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def collect(
    folder: Path, kit_folder: Path | None = None, gold: Path | None = None, *, title: str = "", skip_bad: bool = False,
    synthetic: bool = False, step: Callable[[str], None] = lambda words: None,
) -> Collected:
    """The study that the forms of a folder make; no file is changed or moved.

    Parameters
    ----------
    folder : Path
        With the forms that came back, in folders of its own too. Their names do not matter.
    kit_folder : Path, optional
        What `arms-irr form` wrote, where that is another folder.
    gold : Path, optional
        The file of the gold standard.
    skip_bad : bool
        Leave out every form that has an error, instead of refusing them all.
    synthetic : bool
        Whether the ratings were made up, as in a rehearsal.

    Raises
    ------
    DataError
        With everything that is wrong in all forms, in the kit and in the gold standard.
    """
    if not folder.is_dir():
        raise ArgumentError(f"there is no folder {str(folder)!r}. Give the folder with the forms that came back.")
    kit, digests = read_kit(kit_folder or folder)
    problems: list[Problem] = []
    pile = _Pile()
    for path in _found(folder, digests):
        step(f"reading {path.name}")
        _lay(path, folder, kit, set(digests.values()), pile, problems)
    good = _one_each(pile, problems)
    absent = _absent(kit, good, problems)
    others: list[Problem] = []  # what is wrong beside the forms
    files = _study_files(kit, good, gold, title, synthetic, others)
    if good:
        others += _study_problems(files)
    else:
        others.append(Problem("error", "No form here can be used.", "Put the forms that came back into this folder."))
    told = in_order([*problems, *others])
    if any(problem.severity == "error" for problem in (others if skip_bad else told)):
        raise DataError(told)
    return Collected(files, _manifest(kit, good, files, told, pile.skipped), told, tuple(form.file for form in good), tuple(pile.skipped), absent)


def _found(folder: Path, digests: Mapping[str, str]) -> list[Path]:
    """Everything that may be a form: not what the kit holds beside them, nor what systems leave behind."""
    beside = {name for name in digests if name.startswith(("kit/", "paper/"))} | {MANIFEST}
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).as_posix() not in beside]
    return [path for path in paths if path.name.startswith(_OPEN) or not (path.name.startswith(".") or path.name.casefold() in _SYSTEM)]


def _lay(path: Path, folder: Path, kit: Kit, made: set[str], pile: _Pile, problems: list[Problem]) -> None:
    """Read one file onto the pile, unless it is as it was made."""
    name = path.relative_to(folder).as_posix()
    if path.name.startswith(_OPEN):
        problems.append(Problem("warning", "The form beside this file is open in a spreadsheet program; what is not yet saved is not in it.",
                                "Save and close it, then collect again.", name))
        return
    try:
        data = read_bytes(path)
        if hashlib.sha256(data).hexdigest() in made:
            return
        form, told = read_form(path, name, data, kit)
    except DataError as error:
        pile.skipped.append(name)
        problems += [replace(problem, file=name) for problem in error.problems]
        return
    problems += told
    if any(problem.severity == "error" for problem in told):
        pile.skipped.append(name)
    elif not form.blank:
        pile.good.append(form)


def _one_each(pile: _Pile, problems: list[Problem]) -> list[Returned]:
    """One form for each officer and occasion: copies with the same answers are one, others are an error."""
    by_id: dict[str, list[Returned]] = {}
    for form in pile.good:
        by_id.setdefault(form.form.id, []).append(form)
    kept = []
    for forms in by_id.values():
        first, *others = sorted(forms, key=lambda form: (form.file != form.form.file, form.file))
        if not others:
            kept.append(first)
        elif all(other.answers == first.answers for other in others):
            kept.append(first)
            problems += [Problem("warning", f"It has the same answers as {first.file} and was read once.", "Nothing to do.", other.file)
                         for other in others]
        else:
            pile.skipped += [form.file for form in forms]
            names = " and ".join(form.file for form in forms)
            differ = sum(len({form.answers.get(cell) for form in forms}) > 1 for cell in {cell for form in forms for cell in form.answers})
            problems += [Problem(
                "error", f"There are different forms from the officer {form.form.rater!r}: {names} ({differ} answers differ).",
                "Ask the officer which one holds, and take the other out of the folder.", form.file, value=form.form.rater) for form in forms]
    return kept


def _absent(kit: Kit, good: Sequence[Returned], problems: list[Problem]) -> tuple[str, ...]:
    """Officers of whom no usable form came back; a warning that names them."""
    back = {form.form.id for form in good}
    missing = [form for form in kit.forms if form.id not in back]
    names = [form.rater + (f" (occasion {form.occasion})" if kit.several_occasions else "") for form in missing]
    if names:
        shown = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
        problems.append(Problem("warning", f"{len(names)} of {len(kit.forms)} forms have not come back filled in, or cannot be used: {shown}.",
                                "Remind them, or go on without them."))
    return tuple(dict.fromkeys(form.rater for form in missing))


# --- the study ---


def _study_files(
    kit: Kit, good: Sequence[Returned], gold: Path | None, title: str, synthetic: bool, problems: list[Problem]
) -> dict[str, str | bytes]:
    back = {form.form.rater for form in good}
    several = kit.several_occasions
    place = {name: position for position, name in enumerate(kit.raters.names)}
    cases = {name: position for position, name in enumerate(kit.cases.names)}
    rows = []
    for form in sorted(good, key=lambda form: (place[form.form.rater], form.form.occasion)):
        for case in sorted(form.form.cases, key=cases.__getitem__):
            for factor in kit.instrument.factor_ids:
                rating, urgency, reason = (form.answers.get((case, factor, name), "") for name in ("rating", "urgency", "rationale"))
                rows.append((form.form.rater, case, factor, rating, urgency, *([form.form.occasion] if several else []), reason))
    head = ("rater", "case", "factor", "rating", "urgency", *(["occasion"] if several else []), "rationale")
    files: dict[str, str | bytes] = {
        "ratings.csv": csv_text(head, rows), "cases.csv": listed_csv("case", kit.cases), "raters.csv": listed_csv("rater", kit.raters, back),
    }  # fmt: skip
    name, told = _instrument(kit)
    if name == "instrument.toml":
        files[name] = kit.instrument_file
    gold_name = "none"
    if gold is not None:
        gold_name = f"gold{gold.suffix.lower()}"
        try:
            files[gold_name] = read_bytes(gold)
        except DataError as error:
            problems += error.problems
    problems += told
    facts = {"title": title or f"Ratings collected with {kit.instrument.title}", "instrument": name}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    files["study.toml"] = "\n".join(["[study]", *lines, f"synthetic = {str(synthetic).lower()}", "", "[files]", f'gold = "{gold_name}"', ""])
    return files


def _instrument(kit: Kit) -> tuple[str, list[Problem]]:
    """What the study calls the instrument: its shipped name while that is still the same, otherwise a file of its own."""
    name = kit.instrument.name
    if name in shipped_instruments():
        if fingerprint(load_instrument(name)) == fingerprint(kit.instrument):
            return name, []
        message = f"The instrument {name} that ships now is not the one that the forms were made from."
        return "instrument.toml", [Problem("warning", message, "The study has the one of the forms beside it, as instrument.toml.", INSTRUMENT)]
    return "instrument.toml", []


def _study_problems(files: Mapping[str, str | bytes]) -> list[Problem]:
    """What a reader of the study would refuse, above all in the gold standard."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            (Path(scratch) / name).write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            read_study(Path(scratch))
        except DataError as error:
            return [problem for problem in error.problems if problem.severity == "error"]
    return []


def _manifest(kit: Kit, good: Sequence[Returned], files: Mapping[str, str | bytes], problems: Sequence[Problem], skipped: Sequence[str]) -> str:
    """Where the ratings came from, as JSON text without dates: the same forms give the same bytes."""
    forms = [{**asdict(form.form), "file": form.file, "sha256": form.sha256} for form in good]
    contents = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    return json.dumps({
        "made_by": COLLECT_MAKER,
        "instrument": {"name": kit.instrument.name, "fingerprint": fingerprint(kit.instrument)},
        "seed": kit.seed,
        "forms": forms,
        "skipped": sorted(skipped),
        "told": [str(problem) for problem in problems],
        "files": sorted([*files, MANIFEST]),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())},
    }, indent=1, ensure_ascii=False) + "\n"  # fmt: skip
