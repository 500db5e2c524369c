"""The manifest: what a report was made from and with, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from arms_irr.study.study import Study

__all__ = ["MAKER", "fingerprints", "manifest", "versions"]

MAKER = "arms-irr evaluate"
_PACKAGES = ("numpy", "scipy", "matplotlib")


def versions() -> dict[str, str]:
    """Versions of everything that a number or a picture depends on."""
    import arms_irr

    found = {"arms-irr": arms_irr.__version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a vendored or relocated package has no metadata
            found[name] = "unknown"
    return found


def fingerprints(study: Study) -> list[tuple[str, str, str]]:
    """Every file of the study: what it is, its name, and the SHA-256 of its bytes."""
    return [(part, path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for part, path in study.files]


def manifest(study: Study, settings: Mapping[str, Any], files: Iterable[str], maker: str = MAKER) -> str:
    """The manifest as JSON text: no dates and no absolute paths, so that the same inputs give the same bytes."""
    return json.dumps({
        "made_by": maker,
        "title": study.title,
        "synthetic": study.synthetic,
        "instrument": study.instrument.name,
        "versions": versions(),
        "settings": dict(settings),
        "inputs": [{"part": part, "file": file, "sha256": digest} for part, file, digest in fingerprints(study)],
        "simulation": dict(study.simulation),
        "files": sorted([*files, "manifest.json"]),
    }, indent=2, ensure_ascii=False) + "\n"
