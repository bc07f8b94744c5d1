/** Microphones, speakers, levels and tones. Every failure has a name; `TROUBLES` says it in words. */

import { device, pause } from "./page.js";

/** @typedef {"insecure" | "blocked" | "none" | "in-use" | "gone" | "muted" | "silent" | "failed"} Trouble */

/** One message and one act for each. @type {Record<Trouble, {title: string, text: string, act: string}>} */
export const TROUBLES = {
  insecure: {
    title: "This address is not secure.",
    text: "Browsers give a microphone only to pages that are opened with https. Ask for an https link, or type your answers.",
    act: "Type my answers",
  },
  blocked: {
    title: "The microphone is blocked for this page.",
    text: "Press the icon beside the address of this page, allow the microphone, then try again.",
    act: "Try again",
  },
  none: {
    title: "No microphone was found.",
    text: "Plug one in, or connect your headset, then look again.",
    act: "Look again",
  },
  "in-use": {
    title: "Another program is using the microphone.",
    text: "Close other calls and recorders, then try again.",
    act: "Try again",
  },
  gone: {
    title: "That microphone is no longer there.",
    text: "Use another one from the list, or plug it in again.",
    act: "Use another microphone",
  },
  muted: {
    title: "The microphone is muted by your system.",
    text: "Look for a mute switch on the headset or keyboard and in the system’s sound settings; this page notices when it is on again.",
    act: "Try again",
  },
  silent: {
    title: "We hear nothing.",
    text: "If you were speaking, choose another microphone from the list above, or raise its level in the system’s settings.",
    act: "Record again",
  },
  failed: {
    title: "The microphone could not be opened.",
    text: "Unplug it and plug it in again, or restart the browser, then try again.",
    act: "Try again",
  },
};

export class MicrophoneTrouble extends Error {
  /** @param {Trouble} trouble */
  constructor(trouble) {
    super(TROUBLES[trouble].title);
    this.trouble = trouble;
  }
}

/** @type {Record<string, Trouble>} */
const BY_NAME = {
  NotAllowedError: "blocked",
  SecurityError: "blocked",
  NotFoundError: "none",
  NotReadableError: "in-use",
  AbortError: "in-use",
  OverconstrainedError: "gone",
};

const MICROPHONE_KEY = "codevoice:microphone";
const SPEAKER_KEY = "codevoice:speaker";

/**
 * Opens a microphone: the one asked for, else the one used last, else the system's. Raises
 * MicrophoneTrouble.
 * @param {string} [wanted]
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openMicrophone(wanted) {
  if (!window.isSecureContext || !navigator.mediaDevices) throw new MicrophoneTrouble("insecure");
  const id = wanted || device.get(MICROPHONE_KEY) || "";
  try {
    return await opened(id);
  } catch (failure) {
    const name = failure instanceof DOMException ? failure.name : "";
    if (name === "OverconstrainedError" && !wanted) return openDefault();
    throw new MicrophoneTrouble(BY_NAME[name] ?? "failed");
  }
}

function openDefault() {
  device.set(MICROPHONE_KEY, null);
  return openMicrophone();
}

/** @param {string} id */
async function opened(id) {
  const cleaning = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const audio = id ? { ...cleaning, deviceId: { exact: id } } : cleaning;
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const track = stream.getAudioTracks()[0];
  if (!track) throw new DOMException("", "NotFoundError");
  device.set(MICROPHONE_KEY, realId(track, await devices("audioinput")));
  return track;
}

/** @param {MediaDeviceKind} kind */
async function devices(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((found) => found.kind === kind);
}

/**
 * The id of the device behind "default" or an empty id, so that a list shows what is really open; the
 * id itself where the browser does not tell.
 * @param {MediaStreamTrack} track
 * @param {MediaDeviceInfo[]} known
 */
function realId(track, known) {
  const id = track.getSettings().deviceId ?? "";
  if (id && id !== "default" && id !== "communications") return id;
  const standIn = known.find((each) => each.deviceId === id);
  const named = standIn?.label ?? track.label;
  const real = known.filter(isReal);
  const behind = real.find((each) => each.label && named.endsWith(each.label))
    ?? real.find((each) => each.groupId && each.groupId === standIn?.groupId);
  return behind?.deviceId ?? id;
}

/** @param {MediaDeviceInfo} info */
const isReal = (info) => !["", "default", "communications"].includes(info.deviceId);

/** @param {HTMLSelectElement} list @param {MediaStreamTrack | null} track */
export async function listMicrophones(list, track) {
  const known = await devices("audioinput");
  fill(list, known, track ? realId(track, known) : "", "Microphone");
}

/** Speakers can be chosen where the browser lets a page do so. @param {HTMLSelectElement} list */
export async function listSpeakers(list) {
  if (!("setSinkId" in HTMLMediaElement.prototype)) return;
  const known = (await devices("audiooutput")).filter((each) => each.label);
  if (known.length) fill(list, known, device.get(SPEAKER_KEY) ?? "", "Speaker");
}

/**
 * @param {HTMLSelectElement} list
 * @param {MediaDeviceInfo[]} known
 * @param {string} chosen
 * @param {string} word
 */
function fill(list, known, chosen, word) {
  const real = known.filter((each) => isReal(each) || each.deviceId === chosen);
  const shown = real.length ? real : known;
  if (!shown.length) {
    list.replaceChildren(new Option("None found", ""));
    list.disabled = true;
    return;
  }
  const options = shown.map((each, place) => {
    const text = each.label || `${word} ${place + 1}`;
    return new Option(text, each.deviceId, false, each.deviceId === chosen);
  });
  list.replaceChildren(...options);
  list.disabled = false;
}

/** @param {HTMLAudioElement} audio @param {string} [id] */
export async function useSpeaker(audio, id = device.get(SPEAKER_KEY) ?? "") {
  if (!("setSinkId" in audio)) return;
  try {
    await audio.setSinkId(id);
    device.set(SPEAKER_KEY, id || null);
  } catch {
    device.set(SPEAKER_KEY, null); // unplugged since: the system's own choice is used
  }
}

/** @type {AudioContext | null} */
let shared = null;

/** One for the page; it runs once the candidate has clicked something. */
export function soundContext() {
  shared ??= new AudioContext();
  if (shared.state === "suspended") void shared.resume().catch(() => undefined);
  return shared;
}

/** Whether the browser plays sound without a click; it may take a moment to say so. */
export async function soundAllowed() {
  const context = soundContext();
  for (let waited = 0; context.state !== "running" && waited < 300; waited += 50) await pause(50);
  return context.state === "running";
}

/** Listens to one stream: its level, and how much of one pitch is in it. */
export class Meter {
  /** @param {MediaStream} stream */
  constructor(stream) {
    const context = soundContext();
    this.source = context.createMediaStreamSource(stream);
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 2048;
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
    this.bins = new Float32Array(this.analyser.frequencyBinCount);
  }

  /** Loudness from 0 (-60 dB and below) to 1 (full scale). */
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / this.samples.length + 1e-12);
    return Math.min(1, Math.max(0, (decibels + 60) / 60));
  }

  /** Level of one pitch in dB. @param {number} hz */
  pitch(hz) {
    this.analyser.getFloatFrequencyData(this.bins);
    const bin = Math.round((hz / soundContext().sampleRate) * this.analyser.fftSize);
    return this.bins[bin] ?? -200;
  }

  stop() {
    this.source.disconnect();
  }
}

/** Levels above this are speech rather than a quiet room (about -40 dB). */
export const SPEECH_LEVEL = 0.33;

/** @param {HTMLElement} bar @param {number} level */
export function showLevel(bar, level) {
  bar.style.setProperty("--level", level.toFixed(3));
  if (bar.role === "meter") bar.ariaValueNow = String(Math.round(level * 100));
}

export const TONE_HZ = 880;

/**
 * Plays two short notes through `audio`, and so through the chosen speaker. It runs inside a click,
 * which also unlocks that element for the interviewer's voice.
 * @param {HTMLAudioElement} audio
 * @returns {Promise<void>} when it has been heard
 */
export async function playTone(audio) {
  const context = soundContext();
  const out = context.createMediaStreamDestination();
  audio.srcObject = out.stream;
  await Promise.all([audio.play(), useSpeaker(audio)]);
  const begin = context.currentTime + 0.15;
  note(context, out, TONE_HZ * 0.75, begin);
  const last = note(context, out, TONE_HZ, begin + 0.45);
  await new Promise((resolve) => last.addEventListener("ended", resolve, { once: true }));
}

/**
 * @param {AudioContext} context
 * @param {AudioNode} out
 * @param {number} hz
 * @param {number} at
 */
function note(context, out, hz, at) {
  const tone = new OscillatorNode(context, { frequency: hz });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setTargetAtTime(0.25, at, 0.03);
  loudness.gain.setTargetAtTime(0, at + 0.4, 0.1);
  tone.connect(loudness).connect(out);
  tone.start(at);
  tone.stop(at + 0.9);
  return tone;
}

/**
 * Records until `stop` resolves.
 * @param {MediaStreamTrack} track
 * @param {Promise<unknown>} stop
 * @returns {Promise<Blob>}
 */
export async function record(track, stop) {
  const recorder = new MediaRecorder(new MediaStream([track]));
  /** @type {Blob[]} */
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start();
  await stop;
  if (recorder.state !== "inactive") recorder.stop();
  await ended;
  return new Blob(parts, { type: recorder.mimeType });
}
