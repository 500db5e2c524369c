"""A folder that appears as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from arms_irr.errors import ArgumentError
from arms_irr.reporting.manifest import MAKER

__all__ = ["foreign", "publish"]


def publish(folder: Path, files: Mapping[str, str | bytes], manifest: str, maker: str = MAKER) -> None:
    """Write files (text as UTF-8, "?" for what that cannot hold) into ``folder``, replacing what ``maker`` made there before, such as a report.

    Everything is written beside the target first and renamed at the end, so an error or an interruption
    leaves the old report whole. Files in the folder that the old report did not make are kept.

    Raises
    ------
    ArgumentError
        When the folder cannot be written, or holds something that ``maker`` did not make.
    """
    if folder.is_symlink():  # the link stays where it is
        folder = folder.resolve()
    kept = foreign(folder, maker)
    if maker != MAKER and (clash := [path for path in kept if path.relative_to(folder).as_posix() in files]):
        raise ArgumentError(f"{clash[0]} is in the way and was not made by {maker}; choose another folder with -o, or move it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            fresh, old = Path(scratch) / "new", Path(scratch) / "old"
            for name, content in {**files, "manifest.json": manifest}.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
            for path in kept:
                target = fresh / path.relative_to(folder)
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, target)
            try:
                if folder.exists():
                    folder.rename(old)
                fresh.rename(folder)
            except BaseException:  # an interruption too: the old report is deleted with the scratch folder
                if old.exists() and not folder.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise ArgumentError(f"cannot write to {folder}: {error.strerror or error}. Choose another folder with -o.") from error


def foreign(folder: Path, maker: str = MAKER) -> list[Path]:
    """Files of an existing folder that ``maker`` did not make.

    Raises
    ------
    ArgumentError
        When the folder is a file, holds files but no manifest of ``maker``, or holds a file that was changed since it
        was made (where the manifest has the ``sha256`` of each).
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ArgumentError(f"{folder} is a file; give a folder")
    present = [path for path in folder.rglob("*") if path.is_file()]
    if not present:
        return []
    try:
        old = json.loads((folder / "manifest.json").read_text("utf-8"))
        made = set(old["files"]) if old["made_by"] == maker else None
        digests = dict(old.get("sha256", {}))
    except (OSError, ValueError, KeyError, TypeError):
        made = None
    if made is None:
        who = "no report" if maker == MAKER else f"{maker} never"
        raise ArgumentError(f"{folder} holds files that {who} made; choose another folder with -o, or empty it")
    changed = [path for path in present if (digest := digests.get(path.relative_to(folder).as_posix()))
               and hashlib.sha256(path.read_bytes()).hexdigest() != digest]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ArgumentError(f"{changed[0]}{more} was changed since {maker} made it; choose another folder with -o, so that nothing is lost")
    return [path for path in present if path.relative_to(folder).as_posix() not in made]
