/**
 * The line to the interviewer through a LiveKit room, over LiveKit's own client.
 *
 * LiveKit notices a bot that was killed after 20 s, and hides the short failures of the network. The
 * bot's pulse on the room's data tells sooner.
 */

import { LineBlocked, hear } from "./line.js";
import { newId } from "./page.js";

const BOT = "bot";
/** The next bot comes into the room by itself: it is given longer than over a line of its own. */
const PULSE_LOST_MS = 3_000;
const FIRST_PULSE_MS = 8_000;
/** A face, and no more of the network than the voice leaves: the voice is sent with high priority. */
const PICTURE = {
  simulcast: false,
  videoEncoding: { maxBitrate: 300_000, maxFramerate: 15, priority: /** @type {const} */ ("low") },
};

/** LiveKit ended this page's last stay in the room, and not for want of a pulse. */
let putOut = false;
/** This page's place in the room. The next one would be taken for another device's. @type {(() => void) | null} */
let leave = null;

/** @returns {typeof import("livekit-client")} */
function livekit() {
  return /** @type {any} */ (window).LivekitClient;
}

/**
 * Joins once. Raises what `admit` raises, or LineBlocked.
 * @param {MediaStreamTrack} track
 * @param {RTCIceServer[]} servers
 * @param {(putOut: boolean) => Promise<import("./api.js").Admitted>} admit
 * @param {import("./line.js").Hearing} hearing
 * @returns {Promise<import("./line.js").Call>}
 */
export async function enterRoom(track, servers, admit, hearing) {
  const { Room, Track } = livekit();
  const again = putOut;
  putOut = false;
  const { url, token, epoch } = await admit(again);
  leave?.();
  const room = new Room({ stopLocalTrackOnUnpublish: false });
  const hangUp = follow(room, hearing);
  leave = hangUp;
  try {
    const rtcConfig = servers.length ? { iceServers: servers } : {};
    await room.connect(url, token, { rtcConfig });
    const microphone = await room.localParticipant.publishTrack(track, {
      source: Track.Source.Microphone,
      dtx: false,
      red: false,
    });
    await say(room, "client-ready", { version: "2.0.0", about: { library: "codevoice" } });
    return {
      epoch,
      pulseLostMs: PULSE_LOST_MS,
      firstPulseMs: FIRST_PULSE_MS,
      mends: true,
      press: (word) => void say(room, "client-message", { t: word }),
      replace: async (other) => {
        await microphone.track?.replaceTrack(other, true);
      },
      show: showing(room),
      hangUp,
    };
  } catch {
    hangUp();
    throw new LineBlocked();
  }
}

/**
 * @param {import("livekit-client").Room} room
 * @param {import("./line.js").Hearing} hearing
 * @returns {() => void} leaves; what the room tells from then on is nobody's
 */
function follow(room, hearing) {
  const { DisconnectReason, RoomEvent } = livekit();
  const letters = new TextDecoder();
  let left = false;
  room.on(RoomEvent.TrackSubscribed, (voice, _publication, who) => {
    if (who.identity === BOT) hearing.onVoice(new MediaStream([voice.mediaStreamTrack]));
  });
  room.on(RoomEvent.DataReceived, (said, who) => {
    if (!left && who?.identity === BOT) hear(hearing, letters.decode(said));
  });
  let entered = false;
  room.on(RoomEvent.Connected, () => (entered = true));
  room.on(RoomEvent.Disconnected, (reason) => {
    if (left) return;
    putOut = entered;
    if (reason === DisconnectReason.DUPLICATE_IDENTITY) hearing.onTaken();
    else hearing.onGone();
  });
  return () => {
    left = true;
    void room.disconnect(false);
  };
}

/**
 * One picture or none, in the order asked for. Raises when LiveKit does not take it.
 * @param {import("livekit-client").Room} room
 * @returns {(picture: MediaStreamTrack | null) => Promise<void>}
 */
function showing(room) {
  const { Track } = livekit();
  const source = Track.Source.Camera;
  /** @type {MediaStreamTrack | null} */
  let shown = null;
  let before = Promise.resolve();
  /** @param {MediaStreamTrack | null} picture */
  const bring = async (picture) => {
    if (shown === picture) return;
    const old = shown;
    shown = null;
    if (old) await room.localParticipant.unpublishTrack(old, false);
    if (picture) await room.localParticipant.publishTrack(picture, { ...PICTURE, source });
    shown = picture;
  };
  return (picture) => {
    const done = before.then(() => bring(picture));
    before = done.catch(() => undefined);
    return done;
  };
}

/** @param {import("livekit-client").Room} room @param {string} type @param {object} data */
async function say(room, type, data) {
  const message = JSON.stringify({ label: "rtvi-ai", type, id: newId(), data });
  await room.localParticipant.publishData(new TextEncoder().encode(message), { reliable: true });
}
