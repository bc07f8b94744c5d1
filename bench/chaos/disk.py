"""The product's own disk, which can be full: a tmpfs, where this account may mount one.

Everything the product writes lies there: PostgreSQL, Temporal, recordings. Who writes to it while
it is full gets the kernel's own ENOSPC; what was written stays.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

#: Of memory, as it is used: PostgreSQL keeps up to 1 GB of its log.
_SIZE_BYTES: Final = 4 * 2**30
#: What is in use may grow between looking and limiting.
_TRIES: Final = 50


class Disk:
    """Mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self) -> None:
        """From now on no new block is given out. Raises OSError when it grows too fast for that."""
        for _ in range(_TRIES):
            if _mount("-o", f"remount,size={self._used_bytes()}", str(self._folder)):
                return
        raise OSError(f"the disk at {self._folder} could not be filled")

    def free(self) -> None:
        _mount("-o", f"remount,size={_SIZE_BYTES}", str(self._folder))

    def _used_bytes(self) -> int:
        now = os.statvfs(self._folder)
        return (now.f_blocks - now.f_bfree) * now.f_frsize


@contextmanager
def disk(folder: Path) -> Iterator[Disk | None]:
    """Makes `folder` a disk of its own until the block ends. None: an ordinary folder, as this
    account may not mount."""
    folder.mkdir()
    if not mountable():
        yield None
        return
    _mount("-t", "tmpfs", "-o", f"size={_SIZE_BYTES},mode=755", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@cache
def mountable() -> bool:
    """Whether this account may mount a tmpfs."""
    with tempfile.TemporaryDirectory(prefix="cvdisk") as folder:
        if not _mount("-t", "tmpfs", "-o", "size=4096", "tmpfs", folder):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def _mount(*arguments: str) -> bool:
    try:
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0
