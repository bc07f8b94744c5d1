"""A client of the running product, for the command line, the demonstration and the measurements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from contracts.errors import ERRORS, CodeVoiceError, SettingError, Unavailable
from contracts.interview import InterviewStatus
from local.database import KEY_FILE

#: A service that restarts is back within this.
BACK_WITHIN_S: Final = 60.0


class Product:
    """Speaks to `/api/v1` with the organisation's key.

    Calls raise the error of `contracts.errors` that the problem document names, and Unavailable
    when nothing answers. GETs are safe to repeat; for writes pass an Idempotency-Key.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(30),
        )

    @classmethod
    def running(cls) -> Product:
        """The product that CODEVOICE_API_KEY opens, else the one `codevoice up` started here.

        Raises SettingError when there is neither.
        """
        from settings import load

        settings = load()
        set_key = settings.codevoice_api_key
        key = set_key.get_secret_value() if set_key else _kept_key(settings.data_dir)
        if key is None:
            raise SettingError(
                "CODEVOICE_API_KEY",
                "is not set, and no product was started here",
                "Start one with `make run`, or set it and PUBLIC_URL.",
            )
        return cls(settings.public_url, key)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """One call under `/api/v1`; returns the decoded body."""
        response = self._reply(method, path, **request)
        return response.json() if response.content else None

    def follow(
        self, interview_id: str, *, every_s: float = 0.5, back_within_s: float = BACK_WITHIN_S
    ) -> Iterator[dict[str, Any]]:
        """The status each time it has changed, until the interview has ended. Polls with ETag.

        A service that is away is asked again: what changed meanwhile is in the next status. Raises
        Unavailable when it stays away.
        """
        etag, seen_at = "", time.monotonic()
        while True:
            try:
                response = self._reply(
                    "GET", f"/interviews/{interview_id}", headers={"If-None-Match": etag}
                )
            except Unavailable:
                if time.monotonic() - seen_at > back_within_s:
                    raise
            else:
                seen_at = time.monotonic()
                if response.status_code != httpx.codes.NOT_MODIFIED:
                    etag = response.headers.get("ETag", "")
                    status = response.json()
                    yield status
                    if InterviewStatus(status["status"]).ended:
                        return
            time.sleep(every_s)

    def interviews(
        self, status: str | None = None, *, at_once: int = 200
    ) -> Iterator[dict[str, Any]]:
        """All of them, or those with this status, the newest first; fetched as they are read."""
        asked: dict[str, Any] = {"limit": at_once} | ({"status": status} if status else {})
        while True:
            page = self.call("GET", "/interviews", params=asked)
            yield from page["items"]
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    def _reply(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self.http.request(method, path, **request)
        except httpx.TransportError as error:
            raise Unavailable(
                f"nothing answers at {self.url} ({type(error).__name__}); is `make run` running?"
            ) from None
        if response.is_error:
            raise _problem(response)
        return response


def _kept_key(data_dir: Path) -> str | None:
    try:
        return (data_dir / KEY_FILE).read_text().strip()
    except OSError:
        return None


def _problem(response: httpx.Response) -> CodeVoiceError:
    try:
        problem = response.json()
        kind = str(problem["type"]).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        return ERRORS.get(kind, CodeVoiceError)(problem.get("detail", ""))
    except (ValueError, KeyError, TypeError):
        return CodeVoiceError(f"HTTP {response.status_code}")
