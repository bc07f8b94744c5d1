"""What can be set, where each value came from, and a remedy for each wrong one.

The environment beats the file `.env`. A secret may stand in a file of its own, named by `NAME_FILE`
(`SECRET_KEY_FILE=/run/secrets/key`). What `codevoice up` runs here comes after both, so that other
commands find it. Entry points call `load`; nothing else reads the environment.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from dotenv import dotenv_values
from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contracts.errors import SettingError
from contracts.ice import ice_server, without_password
from data_folder import LOCK_FILE, STACK_FILE, default_folder, is_locked, kept_secret
from setting_values import (
    BASE_URL,
    MODEL_NAME,
    VOICE_NAME,
    CommaList,
    Port,
    Site,
    Sites,
    WebSocket,
    agreed,
)

#: Read where they are used: by `codevoice bench`, the tests for a browser and docker-compose.yml.
_NOT_HERE: Final = frozenset(
    {"CODEVOICE_GRADED_ANSWERS", "CODEVOICE_CHROMIUM"}
    | {"POSTGRES_PASSWORD", "LIVEKIT_NODE_IP", "COMPOSE_PROFILES"}
)


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
        default_factory=default_folder,
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
    cors_allow_origins: Sites = Field(
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
    livekit_url: WebSocket | None = Field(
        None,
        description="the LiveKit server, wss://host or ws://host:port; "
        "without it browser and bot talk to each other directly",
    )
    livekit_public_url: WebSocket | None = Field(
        None, description="how browsers reach LiveKit; LIVEKIT_URL when absent"
    )
    livekit_api_key: str | None = Field(
        None, min_length=1, description="the name of LiveKit's API key, needed with LIVEKIT_URL"
    )
    livekit_api_secret: SecretStr | None = Field(
        None, description="the secret of that key, needed with LIVEKIT_URL"
    )
    deepgram_api_key: SecretStr | None = Field(
        None, description="Deepgram's key; without it speech is recognised and made here"
    )
    deepgram_url: Site = Field(
        "https://api.deepgram.com",
        description="Deepgram's address, https://api.eu.deepgram.com for instance, "
        "or that of a server of one's own",
    )
    deepgram_model: str = Field(
        "nova-3", pattern=MODEL_NAME, description="the Deepgram model that recognises speech"
    )
    deepgram_voice: str = Field(
        "aura-helios-en", pattern=MODEL_NAME, description="the Deepgram voice of the interviewer"
    )
    speech_base_url: str | None = Field(
        None,
        pattern=BASE_URL,
        description="any OpenAI-compatible speech server, http://127.0.0.1:8880/v1 for instance, "
        "in Deepgram's place",
    )
    speech_api_key: SecretStr | None = Field(
        None, description="that server's key, where it asks for one"
    )
    speech_stt_model: str | None = Field(
        None,
        pattern=MODEL_NAME,
        description="the model there that recognises speech; without it speech is recognised here",
    )
    speech_tts_model: str | None = Field(
        None,
        pattern=MODEL_NAME,
        description="the model there that speaks; without it speech is made here",
    )
    speech_tts_voice: str | None = Field(
        None, pattern=VOICE_NAME, description="the voice of SPEECH_TTS_MODEL, needed with it"
    )
    openai_api_key: SecretStr | None = Field(
        None,
        description="the key of the language model; without one, and without OPENAI_BASE_URL, "
        "the script interviews and the embedded model grades",
    )
    openai_base_url: str | None = Field(
        None,
        pattern=BASE_URL,
        description="any OpenAI-compatible address, http://127.0.0.1:11434/v1 for instance; "
        "that of OpenAI or Krutrim when absent, by the key that is set",
    )
    openai_model: str | None = Field(
        None,
        pattern=MODEL_NAME,
        description="the language model; gpt-4.1-mini at OpenAI and gpt-oss-120b at Krutrim when "
        "absent, needed with OPENAI_BASE_URL",
    )
    krutrim_api_key: SecretStr | None = Field(
        None, description="Krutrim's key, in OPENAI_API_KEY's place"
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
        key, origin = kept_secret(settings.data_dir)
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
        return agreed(Settings(**values))
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
    folder = Path(named.value).expanduser() if named else default_folder()
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


def _unknown(
    environment: Mapping[str, str], written: Mapping[str, str], env_file: Path
) -> Iterator[str]:
    known = {name.upper() for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known} | _NOT_HERE
    ours = [name for name in environment if name.startswith("CODEVOICE_")]
    found = [(each, "the environment") for each in ours]
    for name, where in [*found, *((each, str(env_file)) for each in written)]:
        if name not in known:
            near = difflib.get_close_matches(name.removeprefix("CODEVOICE_"), known, 1)
            yield f"{name} in {where} is no setting" + (f"; {near[0]} is" if near else "")


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return ", ".join(without_password(str(each)) for each in value)
    return "" if value is None else str(value)
