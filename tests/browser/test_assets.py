"""What is served to browsers: small, from here, and never changed under a name already given."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest

from tests.browser.site import Site
from web import assets, consent

#: A consent text that was shown to somebody stays as it is: a change is a new file.
DIGESTS = {
    "2026-11-22": "1b4cfba0b589842e",
    "2026-11-30-live": "a3697cf5bd092677",
    "2026-11-30-live-camera": "446046777abf3298",
}
#: What the texts of interviews with live listening have besides.
LIVE = re.compile(r"  <li><strong>Who may listen live\..*?</li>\n", re.DOTALL)
#: What those have besides whose candidate may show a picture.
CAMERA = re.compile(r"  <li><strong>Your camera, if you like\..*?</li>\n", re.DOTALL)
LONGEST = 400


def test_no_consent_text_was_edited_after_it_was_published() -> None:
    found = {
        each.version: hashlib.sha256(
            (consent.FOLDER / f"{each.version}.html").read_bytes()
        ).hexdigest()[:16]
        for each in consent.versions()
    }
    assert found == DIGESTS


def test_the_text_with_live_listening_says_what_the_other_says_and_that() -> None:
    plain, live = (
        (consent.FOLDER / f"{consent.current(live_listening=chosen).version}.html").read_text()
        for chosen in (False, True)
    )
    assert len(LIVE.findall(live)) == 1
    assert LIVE.sub("", live) == plain


def test_the_text_with_a_camera_says_what_the_live_one_says_and_that() -> None:
    live, camera = (
        (consent.FOLDER / f"{text.version}.html").read_text()
        for text in (
            consent.current(live_listening=True),
            consent.current(live_listening=True, camera=True),
        )
    )
    assert len(CAMERA.findall(camera)) == 1
    taken, recorded = "No picture is taken.", "No picture is recorded."
    assert CAMERA.sub("", camera) == live.replace(taken, recorded)


@pytest.mark.parametrize("kind", ["js", "css"])
def test_files_stay_small(kind: str) -> None:
    lengths = {
        path.name: len(path.read_text().splitlines()) for path in assets.FOLDER.rglob(f"*.{kind}")
    }
    assert lengths
    assert [name for name, length in lengths.items() if length > LONGEST] == []


def test_nothing_is_fetched_from_elsewhere() -> None:
    places = [assets.FOLDER, assets.FOLDER.parent / "templates", consent.FOLDER]
    texts = [path.read_text() for place in places for path in place.rglob("*") if path.is_file()]
    named = {url for text in texts for url in re.findall(r"https?://[^\s\"'<>)]+", text)}
    assert named == {"http://www.w3.org/2000/svg"}


async def test_assets_may_be_kept_since_their_address_names_their_content(site: Site) -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{12}", assets.ROOT)
    async with httpx.AsyncClient(base_url=site.url) as client:
        served = await client.get(f"{assets.ROOT}/js/room.js")
        missing = await client.get("/static/000000000000/js/room.js")
    assert "immutable" in served.headers["cache-control"]
    assert served.headers["content-type"].startswith("text/javascript")
    assert missing.status_code == 404
