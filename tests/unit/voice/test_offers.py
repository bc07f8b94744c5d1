"""Which SDP offers are answered."""

from __future__ import annotations

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from contracts.errors import InvalidInput
from voice.webrtc import DirectLine, check_offer


async def _offer(*, audio: bool = True) -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if audio:
        connection.addTransceiver("audio")
    connection.createDataChannel("chat")
    await connection.setLocalDescription(await connection.createOffer())
    sdp: str = connection.localDescription.sdp
    await connection.close()
    return sdp


async def test_a_browsers_offer_is_answered_with_candidates_and_without_stun() -> None:
    line = DirectLine()
    answer = await line.answer(await _offer())
    assert "m=audio" in answer
    assert "a=candidate" in answer
    assert "srflx" not in answer
    await line.close()


async def test_an_offer_without_audio_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no audio"):
        check_offer(await _offer(audio=False))


@pytest.mark.parametrize("role", ["active", "passive", "holdconn"])
async def test_an_offer_must_leave_the_role_open(role: str) -> None:
    with pytest.raises(InvalidInput, match="actpass"):
        check_offer((await _offer()).replace("setup:actpass", f"setup:{role}"))


async def test_an_offer_without_fingerprint_is_refused() -> None:
    with pytest.raises(InvalidInput, match="fingerprint"):
        check_offer((await _offer()).replace("a=fingerprint:", "a=print:"))


async def test_large_and_crowded_offers_are_refused() -> None:
    sdp = await _offer()
    with pytest.raises(InvalidInput, match="larger"):
        check_offer(sdp + "a=x:" + "y" * 64_000)
    crowd = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 61
    with pytest.raises(InvalidInput, match="too many"):
        check_offer(sdp + crowd)


@pytest.mark.parametrize("rubbish", ["", "hello", "v=0", "v=0\r\nm=audio 9 x\r\n", "{}"])
async def test_rubbish_is_refused_by_name_of_the_field(rubbish: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_offer(rubbish)
    assert refused.value.field == "sdp"


async def test_what_passes_the_caps_and_cannot_be_parsed_is_refused_too() -> None:
    broken = (await _offer()).replace("a=ice-ufrag:", "a=ice-ufrage:")
    line = DirectLine()
    with pytest.raises(InvalidInput):
        await line.answer(broken)
    await line.close()
