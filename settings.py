"""What can be set, where each value came from, and a remedy for each wrong one.

The environment beats the file `.env`. A secret may stand in a file of its own, named by `NAME_FILE`
(`SECRET_KEY_FILE=/run/secrets/key`). What `codevoice up` runs here comes after both, so that other
commands find it. Entry points call `load`; nothing else reads the environment.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contracts.errors import SettingError
from contracts.ice import ice_server, without_password

#: Where `codevoice up` tells other commands of its servers, in the data folder.
STACK_FILE: Final = "stack.json"
#: Held by `codevoice up` as long as it runs.
LOCK_FILE: Final = "lock"
_KEPT_KEY: Final = "secret_key"
#: Settings of later versions that people may have in their `.env` already.
_NOT_YET: Final = frozenset(
    {
        *("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "DEEPGRAM_API_KEY"),
        *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "KRUTRIM_API_KEY"),
    }
)
#: Read where they are used: by `codevoice bench`, and by the tests for a browser.
_NOT_HERE: Final = frozenset({"CODEVOICE_GRADED_ANSWERS", "CODEVOICE_CHROMIUM"})


def _split(value: object) -> object:
    """`a, b` as people write lists."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _site(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise ValueError("it is not of the form https://host or http://host:port")
    return f"{parts.scheme}://{parts.netloc}"


def _default_folder() -> Path:
    """As root /var/lib: PostgreSQL runs as a system user then, who cannot enter root's home."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/codevoice")
    return platformdirs.user_data_path("codevoice")


Port = Annotated[int, Field(ge=1, le=65535)]
Site = Annotated[str, AfterValidator(lambda value: value and _site(value))]
CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals.

    A field's description says what it is, as its remedy: the error for a wrong value ends with it.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        None,
        description="the PostgreSQL database, postgresql://user:password@host/name; "
        "without it `codevoice up` runs one",
    )
    temporal_address: str | None = Field(
        None,
        pattern=r"^[^\s:/]+:\d{1,5}$",
        description="Temporal's host:port; without it `codevoice up` runs one",
    )
    temporal_namespace: str = Field("default", min_length=1, description="Temporal's namespace")
    temporal_port: Port = Field(7233, description="the port of the Temporal that `up` runs")
    temporal_ui_port: Port = Field(8233, description="the port of that Temporal's web pages")
    data_dir: Path = Field(
        default_factory=_default_folder,
        description="the folder for database, recordings, logs and secrets",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="what links and cookies are signed with, 32 characters or more; "
        "made once in DATA_DIR when absent",
    )
    host: str = Field("127.0.0.1", min_length=1, description="the address the service listens on")
    port: Port = Field(8000, description="the port the service listens on")
    public_url: Site = Field(
        "",
        description="how browsers reach the service, https://interviews.example.org for instance; "
        "http://127.0.0.1:PORT when absent",
    )
    cors_allow_origins: Annotated[tuple[Site, ...], BeforeValidator(_split)] = Field(
        (),
        description="other sites whose pages may call the API, comma-separated, "
        "https://careers.example.org for instance; none when absent",
    )
    patience_s: float = Field(
        1.8,
        ge=0,
        le=30,
        description="seconds of silence before an answer is taken as ended, 0 to 30, "
        "for interviews that do not set their own",
    )
    conversation_slots: int = Field(
        4, ge=1, le=200, description="spoken conversations that one worker holds at once"
    )
    ice_servers: CommaList = Field(
        (),
        repr=False,
        description="STUN and TURN servers, comma-separated, stun:stun.example.org:3478 or "
        "turn:user:password@turn.example.org:3478?transport=udp for instance; none when absent. "
        "Every candidate's browser is told them",
    )
    loopback_ice: bool = Field(
        True, description="whether audio may use 127.0.0.1, for a browser on this machine"
    )
    private_ice: bool = Field(True, description="whether audio may be sent to private networks")
    recordings_url: str = Field(
        "",
        description="where recordings go, a folder or fsspec URL; DATA_DIR/recordings when absent",
    )
    whole_recordings: bool = Field(
        True, description="whether a spoken interview is joined to one recording and scored"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="the port of a worker's Prometheus figures, or 0"
    )
    codevoice_api_key: SecretStr | None = Field(
        None,
        description="the key with which the command line calls the API at PUBLIC_URL; "
        "that of the product that runs here when absent",
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load` finds the values itself, to know where each came from."""
        return (init_settings,)

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.match(r"^postgres(ql)?(\+\w+)?://", value.get_secret_value()):
            raise ValueError("it does not begin with postgresql://")
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 32:
            raise ValueError("it is shorter than 32 characters")
        return value

    @field_validator("ice_servers")
    @classmethod
    def _are_ice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            ice_server(server)
        return value

    @field_validator("data_dir")
    @classmethod
    def _is_absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def model_post_init(self, context: Any, /) -> None:
        """Fills in what follows from other settings."""
        super().model_post_init(context)
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared
        public = self.public_url or f"http://{host}:{self.port}"
        recordings = self.recordings_url or str(self.data_dir / "recordings")
        object.__setattr__(self, "public_url", public)
        object.__setattr__(self, "recordings_url", recordings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names that look like settings and are none."""
        return self._warnings

    def is_default(self, name: str) -> bool:
        """Nobody has set it."""
        return name not in self._origins

    def with_values(self, values: Mapping[str, str]) -> Settings:
        """The same with these, by their names in capitals. Raises SettingError."""
        kept = {name: getattr(self, name) for name in Settings.model_fields}
        changed = _checked(kept | {name.lower(): value for name, value in values.items()})
        changed._origins, changed._warnings = dict(self._origins), self._warnings
        return changed


class Origin(NamedTuple):
    """One setting as `config show --origin` prints it. A secret's value is masked."""

    name: str
    value: str
    origin: str


class _Found(NamedTuple):
    value: str
    origin: str


def load(environment: Mapping[str, str] | None = None, env_file: Path = Path(".env")) -> Settings:
    """Raises SettingError that names the variable and the remedy; makes SECRET_KEY when absent."""
    environment = os.environ if environment is None else environment
    written = {name: value or "" for name, value in _read_env_file(env_file).items()}
    set_here = _find(environment, written, env_file)
    found = _running(set_here) | set_here
    settings = _checked({name: each.value for name, each in found.items()})
    origins = {name: each.origin for name, each in found.items()}
    if settings.secret_key is None:
        key, origin = _kept_secret(settings.data_dir)
        settings = settings.model_copy(update={"secret_key": SecretStr(key)})
        origins["secret_key"] = origin
    settings._origins = origins
    settings._warnings = tuple(_unknown(environment, written, env_file))
    return settings


def origins(settings: Settings) -> list[Origin]:
    """Every setting in force, in the order of `.env.example`."""
    return [
        Origin(
            name.upper(), _shown(getattr(settings, name)), settings._origins.get(name, "default")
        )
        for name in Settings.model_fields
    ]


def _find(
    environment: Mapping[str, str], written: Mapping[str, str], env_file: Path
) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for name, field in Settings.model_fields.items():
        secret = "SecretStr" in str(field.annotation)
        for source, origin in ((environment, "environment"), (written, str(env_file))):
            if (value := _one(source, name.upper(), origin, secret)) is not None:
                found[name] = value
                break
    return found


def _one(source: Mapping[str, str], name: str, origin: str, secret: bool) -> _Found | None:
    """An empty value is none: `NAME=` in a file leaves the default in force."""
    value, path = source.get(name, ""), source.get(f"{name}_FILE", "") if secret else ""
    if value and path:
        raise SettingError(name, f"{name}_FILE is set as well", "Remove one of the two")
    if not path:
        return _Found(value, origin) if value else None
    try:
        return _Found(Path(path).read_text().strip(), f"{origin}, in {path}")
    except (OSError, UnicodeDecodeError):
        raise SettingError(
            f"{name}_FILE", f"{path} cannot be read", "Name a readable text file"
        ) from None


def _read_env_file(env_file: Path) -> dict[str, str | None]:
    try:
        return dotenv_values(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingError(
            str(env_file), "the file cannot be read", "Make it a readable UTF-8 file"
        ) from None


def _checked(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    shown = "the value" if secret or name == "ice_servers" else repr(values[name])
    reason = first["msg"].removeprefix("Value error, ")
    remedy = f"It is {Settings.model_fields[name].description}"
    raise SettingError(name.upper(), f"{shown} will not do ({reason})", remedy)


def _running(found: Mapping[str, _Found]) -> dict[str, _Found]:
    """What `codevoice up` said of its servers, if it runs with this data folder now."""
    named = found.get("data_dir")
    folder = Path(named.value).expanduser() if named else _default_folder()
    if not is_locked(folder / LOCK_FILE):
        return {}
    try:
        said = json.loads((folder / STACK_FILE).read_text())
        return {
            name.lower(): _Found(str(value), "codevoice up, which runs here")
            for name, value in said.items()
            if name.lower() in Settings.model_fields
        }
    except (OSError, ValueError, AttributeError):
        return {}


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


def _kept_secret(data_dir: Path) -> tuple[str, str]:
    """Of several processes that make one at once, the first one's is kept by all."""
    path = data_dir / _KEPT_KEY
    try:
        make_data_dir(data_dir)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(48))
        return path.read_text().strip(), f"made once, in {path}"
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


def _unknown(
    environment: Mapping[str, str], written: Mapping[str, str], env_file: Path
) -> Iterator[str]:
    known = {name.upper() for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known} | _NOT_HERE
    ours = [name for name in environment if name.startswith("CODEVOICE_") or name in _NOT_YET]
    found = [(each, "the environment") for each in ours]
    for name, where in [*found, *((each, str(env_file)) for each in written)]:
        if name in _NOT_YET:
            yield f"{name} in {where} is not used by this version"
        elif name not in known:
            near = difflib.get_close_matches(name.removeprefix("CODEVOICE_"), known, 1)
            yield f"{name} in {where} is no setting" + (f"; {near[0]} is" if near else "")


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return ", ".join(without_password(str(each)) for each in value)
    return "" if value is None else str(value)
