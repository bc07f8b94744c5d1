/** The room's sound: the microphone that is sent, the interviewer's voice, the list of devices. */

import {
  Meter, MicrophoneTrouble, SPEECH_LEVEL, TROUBLES,
  listMicrophones, listSpeakers, openMicrophone, showLevel, useSpeaker,
} from "./audio.js";
import { box, element } from "./page.js";

const MUTED_SPEECH_MS = 700;
const TICK_MS = 60;

/**
 * @typedef {object} SoundEvents
 * @property {(track: MediaStreamTrack) => void} onTrack another track is to be sent
 * @property {(trouble: import("./audio.js").Trouble | null) => void} onTrouble
 * @property {(speaking: boolean) => void} onMutedSpeech
 * @property {(blocked: boolean) => void} onBlocked the browser wants a click before it plays sound
 */

export class Sound {
  /** @param {SoundEvents} events */
  constructor(events) {
    this.events = events;
    this.audio = element("voice", HTMLAudioElement);
    this.microphones = element("microphone", HTMLSelectElement);
    this.speakers = element("speaker", HTMLSelectElement);
    /** Never muted, so that speech into a muted microphone is noticed. @type {MediaStreamTrack | null} */
    this.raw = null;
    /** @type {MediaStreamTrack | null} */
    this.sent = null;
    /** @type {Meter | null} */
    this.mine = null;
    /** @type {Meter | null} */
    this.theirs = null;
    this.wanted = false;
    this.muted = false;
    this.loudMs = 0;
    setInterval(() => this.#tick(), TICK_MS);
    this.microphones.addEventListener("change", () => void this.#change(this.microphones.value));
    this.speakers.addEventListener("change", () => void useSpeaker(this.audio, this.speakers.value));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged());
  }

  /** The track to send, opened when there is none. Raises MicrophoneTrouble. @param {string} [wanted] */
  async open(wanted) {
    this.wanted = true;
    if (this.sent?.readyState === "live" && !wanted) return this.sent;
    const raw = await openMicrophone(wanted);
    this.release();
    this.raw = raw;
    this.sent = raw.clone();
    this.sent.enabled = !this.muted;
    this.mine = new Meter(new MediaStream([raw]));
    raw.addEventListener("ended", () => this.raw === raw && void this.#lost());
    raw.addEventListener("mute", () => this.raw === raw && this.events.onTrouble("muted"));
    raw.addEventListener("unmute", () => this.raw === raw && this.events.onTrouble(null));
    this.events.onTrouble(raw.muted ? "muted" : null);
    void this.#list();
    return this.sent;
  }

  /** Opens the microphone anew, for a line that is open. */
  async again() {
    this.release();
    await this.#change("");
  }

  /** The microphone is not needed any more: choosing another one must not turn it on. */
  close() {
    this.wanted = false;
    this.release();
    this.microphones.replaceChildren(new Option("Not opened yet", ""));
    this.microphones.disabled = true;
  }

  release() {
    this.mine?.stop();
    this.raw?.stop();
    this.sent?.stop();
    this.raw = this.sent = this.mine = null;
  }

  /** One element for all voices: a new one would stay mute in a tab in the background. @param {MediaStream} stream */
  async play(stream) {
    this.theirs?.stop();
    this.theirs = new Meter(stream);
    this.audio.srcObject = stream;
    await useSpeaker(this.audio);
    await this.unlock();
  }

  async unlock() {
    await this.audio.play().then(
      () => this.events.onBlocked(false),
      (failure) => this.events.onBlocked(failure.name === "NotAllowedError"),
    );
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    if (this.sent) this.sent.enabled = !muted;
    if (!muted) this.events.onMutedSpeech(false);
  }

  #tick() {
    const mine = this.mine?.level() ?? 0;
    showLevel(box("meter"), mine);
    const speaking = box("stage").dataset["state"] === "speaking";
    const level = speaking ? (this.theirs?.level() ?? 0) : this.muted ? 0 : mine;
    showLevel(box("figure"), level);
    const loud = this.muted && mine > SPEECH_LEVEL + 0.1;
    this.loudMs = loud ? this.loudMs + TICK_MS : 0;
    if (this.loudMs >= MUTED_SPEECH_MS) this.events.onMutedSpeech(true);
  }

  async #list() {
    if (!this.wanted) return;
    await listMicrophones(this.microphones, this.raw);
    await listSpeakers(this.speakers);
  }

  /** @param {string} wanted */
  async #change(wanted) {
    try {
      this.events.onTrack(await this.open(wanted));
    } catch (failure) {
      this.events.onTrouble(failure instanceof MicrophoneTrouble ? failure.trouble : "failed");
      void this.#list();
    }
  }

  /** The microphone was unplugged, or its permission withdrawn: take what there is. */
  async #lost() {
    this.sent?.stop();
    await this.#change("");
  }

  async #devicesChanged() {
    await this.#list();
    if (this.raw?.readyState === "ended") await this.#lost();
  }
}

/** @param {import("./audio.js").Trouble} trouble @param {() => void} act @returns {import("./page.js").Note} */
export function troubleNote(trouble, act) {
  const { title, text, act: label } = TROUBLES[trouble];
  return { kind: "danger", icon: "microphone-off", title, text: `${text} You can type meanwhile.`, acts: [{ label, act }] };
}
