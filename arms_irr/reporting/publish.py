"""A folder that appears as a whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from arms_irr.errors import ArgumentError
from arms_irr.reporting.manifest import MAKER

__all__ = ["foreign", "publish"]


def publish(folder: Path, files: Mapping[str, str | bytes], manifest: str) -> None:
    """Write files (text as UTF-8) into ``folder``, replacing a report that stands there.

    Everything is written beside the target first and renamed at the end, so an error or an interruption
    leaves the old report whole. Files in the folder that the old report did not make are kept.

    Raises
    ------
    ArgumentError
        When the folder cannot be written, or holds something that is not a report.
    """
    kept = foreign(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            fresh, old = Path(scratch) / "new", Path(scratch) / "old"
            for name, content in {**files, "manifest.json": manifest}.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            for path in kept:
                target = fresh / path.relative_to(folder)
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, target)
            if folder.exists():
                folder.rename(old)
            try:
                fresh.rename(folder)
            except OSError:
                if old.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise ArgumentError(f"cannot write the report to {folder}: {error.strerror or error}. Choose another folder with -o.") from error


def foreign(folder: Path) -> list[Path]:
    """Files of an existing folder that no report made.

    Raises
    ------
    ArgumentError
        When the folder is a file, or holds files but no report.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ArgumentError(f"{folder} is a file; give a folder for the report")
    present = [path for path in folder.rglob("*") if path.is_file()]
    if not present:
        return []
    try:
        old = json.loads((folder / "manifest.json").read_text("utf-8"))
        made = set(old["files"]) if old["made_by"] == MAKER else None
    except (OSError, ValueError, KeyError, TypeError):
        made = None
    if made is None:
        raise ArgumentError(f"{folder} holds files that no report made; choose another folder with -o, or empty it")
    return [path for path in present if path.relative_to(folder).as_posix() not in made]
