"""A disk that is full, as the kernel knows it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bench.chaos.disk import disk, mountable


@pytest.mark.skipif(not mountable(), reason="this account may not mount")
def test_nothing_more_is_written_to_a_full_disk_until_it_is_free_again(tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as own:
        assert own is not None
        kept = tmp_path / "disk" / "kept"
        kept.write_bytes(b"x" * 100_000)
        own.fill()
        with pytest.raises(OSError) as refused:
            (tmp_path / "disk" / "more").write_bytes(b"y" * 100_000)
        assert refused.value.errno == errno.ENOSPC
        assert kept.stat().st_size == 100_000
        own.free()
        (tmp_path / "disk" / "more").write_bytes(b"y" * 100_000)
    assert list((tmp_path / "disk").iterdir()) == []
