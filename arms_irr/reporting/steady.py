"""Office files with the same bytes on every run: a zip without the time at which it was written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

__all__ = ["EPOCH", "steady"]

EPOCH = datetime(2000, 1, 1)  # when every document "was made": its manifest says what it was made from


def steady(data: bytes, change: Callable[[str, bytes], bytes] = lambda name, content: content) -> bytes:
    """The same zip file with every member dated 1980, the earliest that a zip can say; ``change`` gives members other contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name)
            member.create_system = 3  # whatever it is
            new.writestr(member, change(name, old.read(name)), zipfile.ZIP_DEFLATED)
    return out.getvalue()
