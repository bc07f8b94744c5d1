"""Tokens that expire and do not cross, and a log that gives nothing away."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connections import (
    Audience,
    OneLine,
    TokenSigner,
    deepgram,
    parts,
    redacted,
    speech_server,
)
from contracts.errors import NotAuthenticated
from settings import load

SOON = timedelta(minutes=1)


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner("a key of thirty-two characters..")


def at(offset: timedelta) -> datetime:
    return datetime.now(UTC) + offset


def test_a_token_carries_its_claims(signer: TokenSigner) -> None:
    token = signer.sign(Audience.CANDIDATE_LINK, {"interview": "1", "generation": 2}, at(SOON))

    assert signer.verify(Audience.CANDIDATE_LINK, token) == {"interview": "1", "generation": 2}


def test_a_token_for_one_audience_is_none_for_another(signer: TokenSigner) -> None:
    token = signer.sign(Audience.CANDIDATE_LINK, {}, at(SOON))

    with pytest.raises(NotAuthenticated):
        signer.verify(Audience.STAFF_LINK, token)


def test_an_expired_token_is_refused(signer: TokenSigner) -> None:
    with pytest.raises(NotAuthenticated):
        signer.verify("x", signer.sign("x", {}, at(-SOON)))


@pytest.mark.parametrize("spoiled", ["", "a", "a.b", "\x00", "é.ü", "e30." + "A" * 43, "." * 5000])
def test_what_is_no_token_is_refused_alike(signer: TokenSigner, spoiled: str) -> None:
    with pytest.raises(NotAuthenticated) as told:
        signer.verify("x", spoiled)

    assert str(told.value) == str(NotAuthenticated())


def test_every_changed_character_spoils_a_token(signer: TokenSigner) -> None:
    token = signer.sign("x", {"interview": "1"}, at(SOON))

    for index, character in enumerate(token[:-1]):
        other = "A" if character != "A" else "B"
        with pytest.raises(NotAuthenticated):
            signer.verify("x", token[:index] + other + token[index + 1 :])


def test_another_key_signs_for_nobody(signer: TokenSigner) -> None:
    token = TokenSigner("another key of thirty-two letters").sign("x", {}, at(SOON))

    with pytest.raises(NotAuthenticated):
        signer.verify("x", token)


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://me:hunter2@db/x",
        "Authorization: Bearer hunter2",
        "Authorization: Token hunter2hunter2hunter2",
        "key cv_hunter2abc is wrong",
        "OPENAI_API_KEY=hunter2",
        "password: hunter2, user: x",
        "mail to hunter2@example.org",
        "GET /i/hunter2.hunter2.hunter2.hunter2 HTTP/1.1",
        "access_token=eyJhbGciOiJI.eyJodW50ZXIyIjox.hunter2 was refused",
        "token eyJodW50ZXIyIjoxLCJhIjoyfQ.hunter2hunter2hunter2hunter2 is expired",
        "a=candidate:1 1 udp 2130706431 hunter2 4242 typ host",
    ],
)
def test_secrets_and_addresses_of_people_are_redacted(secret: str) -> None:
    assert "hunter2" not in redacted(f"line one\n{secret}\nend")


def test_what_helps_is_kept() -> None:
    plain = "interview 0193a5c2-7b6e-7c51-9d7e-3f1f6a2b9c11 in contracts.interview.Snapshot, 12 ms"

    assert redacted(plain) == plain


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    logger = logging.getLogger("codevoice.test")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def test_a_failure_is_one_line_without_its_secrets(written: io.StringIO) -> None:
    try:
        raise ValueError("no route to postgresql://me:hunter2@db/x")
    except ValueError:
        logging.getLogger("codevoice.test").exception("interview %s\nfailed", "1")

    line = written.getvalue()
    assert line.count("\n") == 1
    assert "ERROR codevoice.test: interview 1\\nfailed | Traceback" in line
    assert "hunter2" not in line


def test_a_speech_server_stands_in_the_start_line_for_what_it_does(tmp_path: Path) -> None:
    home, no_file = {"DATA_DIR": str(tmp_path / "data")}, tmp_path / ".env"
    server = {"SPEECH_BASE_URL": "http://10.0.0.7:8880/v1", "SPEECH_API_KEY": "x"}
    speaks = server | {"SPEECH_TTS_MODEL": "kokoro", "SPEECH_TTS_VOICE": "af_heart"}
    settings = load(home | speaks, no_file)
    assert parts(settings)["text to speech"] == "kokoro (af_heart) at 10.0.0.7:8880"
    assert parts(settings)["speech to text"].startswith("embedded")
    assert speech_server(settings) == (
        *("http://10.0.0.7:8880/v1", "x", None),
        *("kokoro", "af_heart"),
    )
    settings = load(home | server | {"SPEECH_STT_MODEL": "whisper-1"}, no_file)
    assert parts(settings)["speech to text"] == "whisper-1 at 10.0.0.7:8880"
    assert parts(settings)["text to speech"].startswith("embedded")
    assert speech_server(load(home, no_file)) is None


def test_a_key_puts_deepgram_ahead_of_the_embedded_speech(tmp_path: Path) -> None:
    home, no_file = {"DATA_DIR": str(tmp_path / "data")}, tmp_path / ".env"
    assert deepgram(load(home, no_file)) is None
    assert parts(load(home, no_file))["speech to text"].startswith("embedded")

    settings = load(home | {"DEEPGRAM_API_KEY": "x", "DEEPGRAM_VOICE": "aura-orion-en"}, no_file)
    assert parts(settings)["speech to text"] == "Deepgram (nova-3)"
    assert parts(settings)["text to speech"] == "Deepgram (aura-orion-en)"
    assert deepgram(settings) == ("x", "https://api.deepgram.com", "nova-3", "aura-orion-en")
