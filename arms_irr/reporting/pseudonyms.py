"""The names under which a report shows officers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from arms_irr.errors import ArgumentError
from arms_irr.study.study import Study

__all__ = ["drawn_from", "in_order", "pseudonymous"]


def pseudonymous(study: Study, pseudonyms: str, seed: int | Sequence[int]) -> Study:
    """The study with officers under the names that a report shows, in the order of the study.

    Parameters
    ----------
    study : Study
    pseudonyms : {"keep", "renumber"}
        ``renumber``: "Officer 07", numbered at random; in the messages of the check too.
    seed : int or sequence of int
        Of the numbers.

    Raises
    ------
    ArgumentError
        For other words.
    """
    if pseudonyms == "keep":
        return study
    if pseudonyms != "renumber":
        raise ArgumentError(f"pseudonyms {pseudonyms!r}: choose from keep, renumber")
    n = len(study.raters)
    numbers = np.random.default_rng(seed).permutation(n) + 1
    names = {old: f"Officer {number:0{len(str(n))}d}" for old, number in zip(study.raters, numbers.tolist(), strict=True)}
    told = tuple(replace(one, message=_renamed(one.message, names), value=one.value and _renamed(one.value, names)) for one in study.warnings)
    notes = tuple(_renamed(note, names) for note in study.notes)
    return replace(study, raters=tuple(names.values()), warnings=told, notes=notes)


def drawn_from(study: Study, seed: int) -> tuple[int, int]:
    """A seed that only those who hold the ratings can work out, so that the new numbers cannot be undone with the
    seed of the manifest."""
    held = hashlib.sha256(study.ratings.code.tobytes() + "\0".join(study.raters).encode("utf-8", "replace"))
    return seed, int.from_bytes(held.digest()[:8], "big")


def in_order(study: Study) -> Study:
    """The study with its officers in the order of their names: the order of the old ones would tell who is who."""
    order = sorted(range(len(study.raters)), key=study.raters.__getitem__)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    rater = place[study.ratings.rater]
    rows = np.argsort(rater, kind="stable")
    columns = {name: getattr(study.ratings, name)[rows] for name in ("case", "factor", "code", "occasion", "urgency")}
    held = {name: tuple(values[i] for i in order) for name, values in study.rater_attributes.items()}
    return replace(study, raters=tuple(study.raters[i] for i in order), rater_attributes=held,
                   ratings=replace(study.ratings, rater=rater[rows], **columns))


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Officers' names replaced where they stand as words of their own; numbers only where a list of officers is told."""
    known = names if " by " in text or "raters" in text else [name for name in names if not name.isdigit()]
    if not known:
        return text
    listed = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{listed})(?!\w| of \d| times| more)", lambda found: names[found[0]], text)
