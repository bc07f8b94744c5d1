"""DATA_DIR: who may enter it, who holds it, and the secret that is made in it once."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

import platformdirs

from contracts.errors import SettingError

#: Where `codevoice up` tells other commands of its servers, in the data folder.
STACK_FILE: Final = "stack.json"
#: Held by `codevoice up` as long as it runs.
LOCK_FILE: Final = "lock"
_KEPT_KEY: Final = "secret_key"


def default_folder() -> Path:
    """As root /var/lib: PostgreSQL runs as a system user then, who cannot enter root's home."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/codevoice")
    return platformdirs.user_data_path("codevoice")


def is_locked(path: Path) -> bool:
    """A `codevoice up` that was killed holds no lock, whatever its files say."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as failure:
        return isinstance(failure, BlockingIOError)
    return False


def make_data_dir(data_dir: Path) -> None:
    """Closed to others; as root it may be passed through, by PostgreSQL's user. Raises OSError."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def kept_secret(data_dir: Path) -> tuple[str, str]:
    """The key that links are signed with, and where it is."""
    return kept(data_dir, _KEPT_KEY, secrets.token_urlsafe(48)), (
        f"made once, in {data_dir / _KEPT_KEY}"
    )


def kept(data_dir: Path, name: str, otherwise: str) -> str:
    """What the folder keeps by this name; `otherwise` from now on, where it keeps nothing.

    Of several processes that come at once, the first one's is kept by all. Raises SettingError.
    """
    path = data_dir / name
    try:
        make_data_dir(data_dir)
        if not path.exists():
            _write_once(path, otherwise)
        return path.read_text().strip()
    except OSError as failure:
        raise SettingError(
            "DATA_DIR",
            f"{data_dir} cannot be used ({failure.strerror})",
            "Set it to a folder that this user may write",
        ) from None


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, readable by nobody else; what is there already stays."""
    making = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    with suppress(FileExistsError):
        os.link(making, path)
    making.unlink()
