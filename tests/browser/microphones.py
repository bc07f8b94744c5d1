"""Microphones that Chromium has no fake device for: busy, muted by the system, pulled out.

Chromium's fake microphone always works. What stands here takes the place of `getUserMedia` alone,
and does what the browser would: it rejects with the browser's own error, or gives a track that the
browser itself mutes and ends. Permissions and device ids are tested with Chromium's own.
"""

from __future__ import annotations

from typing import Literal

from playwright.async_api import Page

#: `chromium`: its own fake device. `busy`: another program holds it. `none`: there is none.
#: `loose`: one that can be muted, unmuted and unplugged. `beside`: one beside the loudspeaker: it
#: hears what the page plays, and nothing else. `asked`: the browser asks the user, who has yet to
#: allow it.
Kind = Literal["chromium", "busy", "none", "loose", "beside", "asked"]

_SCRIPT = """(() => {
    const devices = navigator.mediaDevices;
    const chromium = devices.getUserMedia.bind(devices);
    const refuse = (name, text) => () => Promise.reject(new DOMException(text, name));

    /* Chromium's fake microphone at the far end of a pair of peer connections: Chromium mutes the
       near end's track, unmutes and ends it, with its own events, as the far end is held, let go
       and stopped. */
    async function loose(wanted) {
        const [track] = (await chromium(wanted)).getTracks();
        const [far, near] = [new RTCPeerConnection(), new RTCPeerConnection()];
        far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
        near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
        const cable = far.addTransceiver(track, { direction: "sendonly" });
        const arrived = new Promise(resolve => near.ontrack = ({ track }) => resolve(track));
        const agree = async () => {
            await far.setLocalDescription();
            await near.setRemoteDescription(far.localDescription);
            await near.setLocalDescription();
            await far.setRemoteDescription(near.localDescription);
        };
        await agree();
        microphone.mute = () => { cable.direction = "inactive"; return agree(); };
        microphone.unmute = () => { cable.direction = "sendonly"; return agree(); };
        microphone.unplug = () => { cable.stop(); return agree(); };
        return new MediaStream([await arrived]);
    }

    /* Air between loudspeaker and microphone: what any element plays is what the track carries. */
    async function beside() {
        const context = new AudioContext(), air = context.createMediaStreamDestination();
        document.addEventListener("play", ({ target }) => {
            context.createMediaStreamSource(target.srcObject).connect(air);
        }, true);
        return air.stream;
    }

    let allow;
    const allowed = new Promise(resolve => allow = resolve);
    const asked = wanted => allowed.then(() => chromium(wanted));

    const kinds = {
        chromium, loose, beside, asked,
        busy: refuse("NotReadableError", "Could not start audio source"),
        none: refuse("NotFoundError", "Requested device not found"),
    };
    window.microphone = { kind: "KIND", allow };
    devices.getUserMedia = wanted => kinds[microphone.kind](wanted);
})()"""


class Microphone:
    """The microphone of one page, from its next loading on."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @classmethod
    async def of(cls, page: Page, kind: Kind) -> Microphone:
        await page.add_init_script(_SCRIPT.replace("KIND", kind))
        return cls(page)

    async def becomes(self, kind: Kind) -> None:
        """From the next time that the page asks for one."""
        await self._page.evaluate("kind => { microphone.kind = kind }", kind)

    async def allow(self) -> None:
        await self._page.evaluate("microphone.allow()")

    async def plugged_in(self, kind: Kind) -> None:
        """The same, and the page is told that the devices have changed."""
        await self.becomes(kind)
        event = "navigator.mediaDevices.dispatchEvent(new Event('devicechange'))"
        await self._page.evaluate(event)

    async def mute(self) -> None:
        await self._page.evaluate("microphone.mute()")

    async def unmute(self) -> None:
        await self._page.evaluate("microphone.unmute()")

    async def unplug(self) -> None:
        await self._page.evaluate("microphone.unplug()")
