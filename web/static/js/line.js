/**
 * The line to the interviewer: one call over plain WebRTC, and a line that calls again.
 *
 * Whole offers and answers, no trickle. The bot proves that it lives by a pulse each half second;
 * a line without one is called anew, whatever ICE believes.
 */

import { newId, pause } from "./page.js";

/**
 * @typedef {object} Call
 * @property {number} epoch
 * @property {number} pulseLostMs without a pulse for longer than this it is lost
 * @property {number} firstPulseMs as long as a bot's start may take
 * @property {boolean} mends the next bot comes on this very line
 * @property {(word: string) => void} press
 * @property {(track: MediaStreamTrack) => Promise<void>} replace
 * @property {(picture: MediaStreamTrack | null) => Promise<void>} [show] where staff may see the candidate
 * @property {() => void} hangUp
 *
 * @typedef {(track: MediaStreamTrack, hearing: Hearing) => Promise<Call>} Caller
 *
 * @typedef {(sdp: string) => Promise<{sdp: string, type: "answer", epoch: number}>} Exchange
 *
 * @typedef {object} Hearing
 * @property {(stream: MediaStream) => void} onVoice
 * @property {(data: any) => void} onMessage what the bot says on the data channel
 * @property {() => void} onGone the far side is known to be gone
 * @property {() => void} onTaken this candidate is there on another device
 */

const GATHER_MS = 1_500;
const OPEN_MS = 8_000;
const PING_MS = 1_000;
const PULSE_LOST_MS = 1_500;
/** The bot's first pulse may take as long as its pipeline's start. */
const FIRST_PULSE_MS = 4_000;
const MENDED_MS = 1_000;
/** A bot that hung up may have been replaced: the state that tells by whom is then on its way. */
const GONE_MS = 300;
/** A bot hears so long after its first pulse; what is said until then goes to the one before it. */
const HEARS_MS = 250;
const BACKOFF_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];

/** The offer was answered but no packet came through: UDP is blocked on the way. */
export class LineBlocked extends Error {}

/** @param {RTCPeerConnection} peer */
async function gathered(peer) {
  if (peer.iceGatheringState === "complete") return;
  const done = new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve(undefined);
    });
  });
  await Promise.race([done, pause(GATHER_MS)]);
}

/** @param {RTCDataChannel} channel */
function opened(channel) {
  return new Promise((resolve, reject) => {
    if (channel.readyState === "open") resolve(undefined);
    channel.addEventListener("open", () => resolve(undefined), { once: true });
    setTimeout(() => reject(new LineBlocked()), OPEN_MS);
  });
}

/** @param {RTCDataChannel} channel @param {string} type @param {object} data */
function say(channel, type, data) {
  if (channel.readyState !== "open") return;
  channel.send(JSON.stringify({ label: "rtvi-ai", type, id: newId(), data }));
}

/** @param {Hearing} hearing @param {string} raw */
export function hear(hearing, raw) {
  const message = JSON.parse(raw);
  if (message.type === "server-message") hearing.onMessage(message.data);
  if (message.type === "signalling" && message.message?.type === "peerLeft") hearing.onGone();
}

/**
 * Calls once. Raises what `exchange` raises, or LineBlocked.
 * @param {MediaStreamTrack} track
 * @param {RTCIceServer[]} servers
 * @param {Exchange} exchange
 * @param {Hearing} hearing
 * @returns {Promise<Call>}
 */
export async function call(track, servers, exchange, hearing) {
  const peer = new RTCPeerConnection({ iceServers: servers });
  peer.addTrack(track, new MediaStream([track]));
  peer.addEventListener("track", (event) =>
    hearing.onVoice(event.streams[0] ?? new MediaStream([event.track])),
  );
  const channel = peer.createDataChannel("chat", { ordered: true });
  channel.addEventListener("message", (event) => hear(hearing, event.data));
  const ping = setInterval(() => {
    if (channel.readyState === "open") channel.send(`ping: ${Date.now()}`);
  }, PING_MS);
  const hangUp = () => {
    clearInterval(ping);
    peer.close();
  };
  try {
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const answer = await exchange(peer.localDescription?.sdp ?? "");
    await peer.setRemoteDescription(answer);
    await opened(channel);
    say(channel, "client-ready", { version: "2.0.0", about: { library: "codevoice" } });
    peer.addEventListener("connectionstatechange", () => {
      if (peer.connectionState === "failed") hearing.onGone();
    });
    return {
      epoch: answer.epoch,
      pulseLostMs: PULSE_LOST_MS,
      firstPulseMs: FIRST_PULSE_MS,
      mends: false,
      press: (word) => say(channel, "client-message", { t: word }),
      replace: async (other) => peer.getSenders()[0]?.replaceTrack(other),
      hangUp,
    };
  } catch (failure) {
    hangUp();
    throw failure;
  }
}

/**
 * @typedef {object} LineEvents
 * @property {() => Promise<boolean>} mayCall false ends the line: another tab holds the interview.
 *   What it raises is a failure of this try
 * @property {(state: "connecting" | "open" | "moving" | "reconnecting" | "closed") => void} onState
 * @property {(failure: unknown) => boolean} onFailure whether to go on calling
 * @property {(stream: MediaStream) => void} onVoice
 * @property {(data: any) => void} onMessage
 * @property {() => void} onTaken
 */

/** A line that calls again until it is closed. */
export class Line {
  /**
   * @param {() => MediaStreamTrack} track the microphone, asked for anew with each call
   * @param {Caller} caller
   * @param {LineEvents} events
   */
  constructor(track, caller, events) {
    this.track = track;
    this.caller = caller;
    this.events = events;
    /** @type {Call | null} */
    this.call = null;
    /** @type {Call | null} the one before, which hears on until the present one does */
    this.former = null;
    this.epoch = 0;
    this.closed = false;
    this.calling = false;
    this.lastPulse = 0;
    this.pulsed = false;
    this.watch = 0;
    this.tries = 0;
    this.wake = () => {};
  }

  get open() {
    return this.call !== null && !this.calling;
  }

  async start() {
    this.watch = setInterval(() => this.#check(), 250);
    await this.#reach("connecting");
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.watch);
    this.#leaveFormer();
    this.call?.hangUp();
    this.call = null;
    this.events.onState("closed");
  }

  /** @param {"done" | "minute" | "repeat" | "listening"} word */
  send(word) {
    this.call?.press(word);
  }

  /** @param {MediaStreamTrack} track */
  async replace(track) {
    await this.call?.replace(track);
  }

  /** The line is lost, or about to be: call again. @param {"moving" | "reconnecting"} state */
  lost(state = "reconnecting") {
    if (this.call && !this.calling && !this.closed) void this.#reach(state);
  }

  /** The network is back: a wait between two calls ends now. */
  hurry() {
    this.tries = 0;
    this.wake();
  }

  #check() {
    if (!this.call || this.calling) return;
    const limit = this.pulsed ? this.call.pulseLostMs : this.call.firstPulseMs;
    if (performance.now() - this.lastPulse > limit) this.lost();
  }

  /** @param {"connecting" | "moving" | "reconnecting"} state */
  async #reach(state) {
    this.calling = true;
    this.events.onState(state);
    for (this.tries = 0; !this.closed; this.tries += 1) {
      await this.#rest(BACKOFF_MS[Math.min(this.tries, BACKOFF_MS.length - 1)] ?? 0);
      if (this.#mended() || (!this.closed && (await this.#tryCall()))) return;
    }
    this.calling = false;
  }

  /** The pulse is back on the line that was given up. */
  #mended() {
    const since = performance.now() - this.lastPulse;
    if (!this.call?.mends || this.closed || since > MENDED_MS) return false;
    this.calling = false;
    this.events.onState("open");
    return true;
  }

  /** @param {number} ms */
  async #rest(ms) {
    const woken = new Promise((resolve) => (this.wake = () => resolve(undefined)));
    await Promise.race([pause(ms), woken]);
  }

  /** @returns {Promise<boolean>} whether the line is up */
  async #tryCall() {
    /** @type {Call | null} */
    let made = null;
    const mine = () => made === null || made === this.call;
    /** No bot comes on this very line any more. */
    const left = () => {
      if (made) made.mends = false;
      return mine();
    };
    try {
      if (!(await this.events.mayCall())) {
        this.close();
        return false;
      }
      made = await this.caller(this.track(), {
        onVoice: this.events.onVoice,
        onMessage: (data) => mine() && this.#message(data),
        onGone: () => left() && setTimeout(() => mine() && this.lost(), GONE_MS),
        onTaken: () => left() && this.events.onTaken(),
      });
    } catch (failure) {
      if (!this.events.onFailure(failure)) this.close();
      return false;
    }
    if (this.closed) {
      made.hangUp();
      return false;
    }
    this.#adopt(made);
    return true;
  }

  /** @param {Call} made */
  #adopt(made) {
    this.#leaveFormer();
    this.former = this.call;
    if (this.former?.mends) this.#leaveFormer();
    this.call = made;
    this.epoch = made.epoch;
    this.lastPulse = performance.now();
    this.pulsed = false;
    this.calling = false;
    this.events.onState("open");
  }

  #leaveFormer() {
    this.former?.hangUp();
    this.former = null;
  }

  /** @param {any} data */
  #message(data) {
    if (data?.type === "pulse") {
      const { former } = this;
      if (former && !this.pulsed) setTimeout(() => former.hangUp(), HEARS_MS);
      this.lastPulse = performance.now();
      this.pulsed = true;
      return;
    }
    if (data?.type === "moving") this.lost("moving");
    else this.events.onMessage(data);
  }
}
