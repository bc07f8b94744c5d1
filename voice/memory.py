"""Keeps the process of the speech models small. What asks the C library does so on Linux with glibc
and does nothing elsewhere.

Loading leaves memory behind that is never used again: the recogniser's model files stay mapped
after their weights were copied (43 MB), and the C heap keeps what readers of tables let go (30 MB).
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from pathlib import Path
from typing import Final

from onnxruntime import InferenceSession, SessionOptions

#: malloc.h: sizes from which an allocation is a mapping of its own, given back when it is freed.
_M_MMAP_THRESHOLD: Final = -3
#: Speech synthesis makes arrays of 2 to 20 MB for a long sentence. Without a fixed limit glibc soon
#: keeps them all on the heap; a lower one costs 60 % more CPU in page faults.
LARGE_BYTES: Final = 4 << 20
#: sys/mman.h: the pages may go; they are read from the file again if they are ever needed.
_MADV_DONTNEED: Final = 4
#: Between two tidyings of the heap (1 to 3 ms of CPU each; a run of a model leaves 10 to 36 MB).
TIDY_EVERY_S: Final = 1.0

_last_tidied_at = 0.0


def lean_session(model_path: str) -> InferenceSession:
    """A model on one thread, without the arena that never gives memory back: a long sentence of
    speech synthesis would keep 40 MB, Smart Turn 34. No slower (80 ms of CPU for 10 s of speech).
    """
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    return InferenceSession(model_path, options, providers=["CPUExecutionProvider"])


def give_large_blocks_back() -> None:
    """From now on large blocks are given back to the system when they are freed."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def drop_pages_of(folder: Path) -> None:
    """Drops the memory of files in `folder` that are mapped read-only."""
    libc = _glibc()
    if libc is None:
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, access, *_, name = line.split(maxsplit=5)
        if name.startswith(f"{folder}/") and access.startswith("r--"):
            start, end = (int(place, 16) for place in span.split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def tidy_heap(*, at_once: bool = False) -> None:
    """Gives the heap's unused pages back; not more often than every second unless `at_once`."""
    global _last_tidied_at  # noqa: PLW0603 - there is one heap
    now = time.monotonic()
    if (at_once or now - _last_tidied_at > TIDY_EVERY_S) and (libc := _glibc()) is not None:
        _last_tidied_at = now
        libc.malloc_trim(0)


def keep_what_is_loaded() -> None:
    """What there is now stays for good: the collector need not look at it at each conversation's
    end (140 ms with all models, in which no audio moves)."""
    gc.collect()
    gc.freeze()


def forget() -> None:
    """Gives back what a conversation that is over has held. Its parts hold one another, and two
    threads and 1.4 MB with them, for as long as the collector does not look."""
    gc.collect()
    tidy_heap(at_once=True)


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if libc is not None and hasattr(libc, "malloc_trim") else None
