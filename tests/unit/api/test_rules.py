"""The API's small rules, without a service around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from api.bodies import JoinIn, NewInterview
from api.errors import Failure, field_problems
from api.interviews import _matches
from api.limits import Pace
from api.links import Link, LinkPurpose, SignedTokens
from api.reports import Form, preferred
from connections import TokenSigner
from contracts.errors import NotAuthenticated, TooMany, Unavailable, WrongState
from contracts.interview import JoinPurpose


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form.JSON),
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("image/png", Form.JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Form.HTML),
        ("application/pdf", Form.PDF),
        ("application/json;q=0.5, application/pdf;q=0.9", Form.PDF),
        ("application/json, text/html", Form.JSON),
        ("text/html;q=0", Form.JSON),
        ("text/html;q=x", Form.HTML),
    ],
)
def test_a_report_comes_in_the_form_that_is_preferred(accept: str | None, form: Form) -> None:
    assert preferred(accept) is form


@pytest.mark.parametrize(
    ("asked", "same"),
    [(None, False), ("*", True), ('W/"3-a"', True), ('"3-a"', True), ('"2", W/"3-a"', True)],
)
def test_tags_are_compared_weakly(asked: str | None, same: bool) -> None:
    assert _matches(asked, 'W/"3-a"') is same


def test_a_problem_has_its_kind_its_field_and_how_long_to_wait() -> None:
    refused = Failure.of(WrongState("Resume it first.", field="question_id"))
    assert refused.body("7") == {
        "type": "urn:codevoice:problem:wrong-state",
        "title": "The interview's state does not allow that",
        "status": 409,
        "detail": "Resume it first.",
        "instance": "urn:uuid:7",
        "field": "question_id",
    }
    assert refused.headers() == {}
    assert Failure.of(Unavailable()).headers() == {"Retry-After": "1"}
    assert Failure.of(TooMany(retry_after_s=7.2)).headers() == {"Retry-After": "8"}
    assert "WWW-Authenticate" in Failure.of(NotAuthenticated()).headers()


def test_a_field_problem_does_not_quote_the_input() -> None:
    with pytest.raises(ValidationError) as refused:
        NewInterview.model_validate(
            {
                "seed": "SECRET",
                "starts_at": "SECRET",
                "topics": [1],
                "candidate": {"name": 1, "x\ny": "SECRET"},
            }
        )
    found = field_problems([{**each, "loc": ("body", *each["loc"])} for each in _errors(refused)])
    named = {"seed", "starts_at", "topics.0", "candidate.name", "candidate.x?y"}
    assert {each.field for each in found} == named
    assert "SECRET" not in "".join(each.message for each in found)


def _errors(refused: pytest.ExceptionInfo[ValidationError]) -> list[dict[str, Any]]:
    return [dict(each) for each in refused.value.errors()]


def test_a_voice_join_may_have_an_offer_and_a_typed_one_has_none() -> None:
    assert JoinIn(sdp="v=0").sdp == "v=0"
    assert JoinIn().sdp is None, "in a room"
    with pytest.raises(ValidationError):
        JoinIn(sdp="v=0", purpose=JoinPurpose.TYPING)


def test_a_pace_lets_a_number_through_and_says_when_the_next_may_come() -> None:
    pace, one, other = Pace(3, window_s=60), uuid4(), uuid4()
    for _ in range(3):
        pace.check(one)
    pace.check(other)
    with pytest.raises(TooMany) as refused:
        pace.check(one)
    assert refused.value.retry_after_s is not None
    assert 59 < refused.value.retry_after_s <= 60
    quick = Pace(1, window_s=0)
    quick.check(one)
    quick.check(one)


class TestLinks:
    tokens = SignedTokens(TokenSigner("a secret that is long enough"))
    link = Link(
        LinkPurpose.CANDIDATE,
        UUID(int=7),
        3,
        datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1),
    )

    def test_a_link_is_read_as_it_was_signed(self) -> None:
        token = self.tokens.sign(self.link)
        assert self.tokens.read(token, LinkPurpose.CANDIDATE) == self.link
        assert self.tokens.sign(self.link) == token

    def test_another_purpose_key_or_letter_is_refused(self) -> None:
        token = self.tokens.sign(self.link)
        with pytest.raises(NotAuthenticated):
            self.tokens.read(token, LinkPurpose.STAFF)
        with pytest.raises(NotAuthenticated):
            SignedTokens(TokenSigner("another secret")).read(token, LinkPurpose.CANDIDATE)
        for place in range(len(token)):
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            if changed[-1] == token[-1]:  # the last letter has bits that mean nothing
                with pytest.raises(NotAuthenticated):
                    self.tokens.read(changed, LinkPurpose.CANDIDATE)
