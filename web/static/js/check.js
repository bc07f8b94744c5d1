/** The sound check: microphone, one sentence over the real path to the real recogniser, speaker. */

import { Api } from "./api.js";
import {
  Meter, MicrophoneTrouble, SPEECH_LEVEL, TONE_HZ, TROUBLES,
  listMicrophones, listSpeakers, openMicrophone, playTone, record, showLevel, useSpeaker,
} from "./audio.js";
import { offerToDecline } from "./decline.js";
import { call } from "./line.js";
import { enterRoom } from "./livekit.js";
import { whenOpen } from "./opening.js";
import { Notes, box, button, device, element, iceServers, inRoom, interviewId, pause, ready } from "./page.js";
import { lineTrouble } from "./trying.js";

const SENTENCE = "a hash map finds a value by its key";
const RECORD_MS = 7_000;
/** Recognition of one sentence takes well under a second; a loaded machine takes longer. */
const HEARD_MS = 8_000;
/** After the first words: a sentence may come in two parts. */
const REST_MS = 1_200;
const GREETING_MS = 8_000;
const ECHO_DB = 30;
const PASS_KEY = "codevoice:check";
const PASS_MS = 24 * 60 * 60 * 1000;
const ROOM = `/interview/${interviewId}/room`;

const api = new Api(interviewId);
const microphones = element("microphone", HTMLSelectElement);
const speakers = element("speaker", HTMLSelectElement);
const recordButton = button("record");
const startButton = button("start");
const lineAudio = element("line-audio", HTMLAudioElement);
const notes = {
  microphone: new Notes(box("microphone-problem")),
  line: new Notes(box("line-problem")),
  speaker: new Notes(box("speaker-problem")),
};

/** @type {MediaStreamTrack | null} */
let track = null;
/** @type {Meter | null} */
let meter = null;
/** The candidate has turned the microphone on: one that is plugged in later is opened, too. */
let asked = false;
let peak = 0;
/** @type {MediaStream | null} */
let greeting = null;
/** @type {Record<string, boolean>} */
const passed = { microphone: false, heard: false, speaker: false };

/** @param {"microphone" | "heard" | "speaker"} part @param {boolean} done @param {string} words */
function mark(part, done, words) {
  passed[part] = done;
  const row = document.querySelector(`[data-part="${part}"]`);
  if (!(row instanceof HTMLElement)) return;
  row.dataset["done"] = done ? "yes" : "no";
  const word = row.querySelector("[data-word]");
  if (word) word.textContent = words;
  if (Object.values(passed).every(Boolean)) device.set(PASS_KEY, String(Date.now()));
}

/** @param {import("./audio.js").Trouble} trouble */
function showTrouble(trouble) {
  const { title, text, act } = TROUBLES[trouble];
  const ways = {
    insecure: typeInstead,
    gone: () => open(),
    silent: () => check(),
  };
  const run = /** @type {Record<string, () => unknown>} */ (ways)[trouble] ?? (() => open(microphones.value));
  notes.microphone.show("trouble", { kind: "danger", title, text, acts: [{ label: act, act: run }] });
  if (trouble !== "silent") mark("microphone", false, "needs a look");
}

/** @param {string} [wanted] */
async function open(wanted) {
  asked = true;
  release();
  try {
    use(await openMicrophone(wanted));
  } catch (failure) {
    showTrouble(failure instanceof MicrophoneTrouble ? failure.trouble : "failed");
  }
  await listMicrophones(microphones, track);
  await listSpeakers(speakers);
}

function release() {
  meter?.stop();
  track?.stop();
  track = meter = null;
  recordButton.disabled = startButton.disabled = true;
}

/** @param {MediaStreamTrack} opened */
function use(opened) {
  release();
  track = opened;
  meter = new Meter(new MediaStream([opened]));
  notes.microphone.hide("trouble");
  box("open-row").hidden = true;
  box("level-row").hidden = false;
  recordButton.disabled = startButton.disabled = false;
  opened.addEventListener("mute", () => showTrouble("muted"));
  opened.addEventListener("unmute", () => markOpen());
  opened.addEventListener("ended", () => track === opened && void lost());
  if (opened.muted) showTrouble("muted");
  else markOpen();
}

/** Unplugged, or the permission was withdrawn: what is left can be chosen from the list. */
async function lost() {
  release();
  showTrouble("gone");
  await listMicrophones(microphones, null);
}

function markOpen() {
  notes.microphone.hide("trouble");
  mark("microphone", true, "on");
}

setInterval(() => {
  if (!meter) return;
  const level = meter.level();
  peak = Math.max(peak, level);
  showLevel(box("meter"), level);
  if (level > SPEECH_LEVEL) box("level-words").textContent = "Good, we can hear sound.";
}, 60);

/**
 * Calls the recogniser; the words come back on the same line. Nothing is stored there.
 * @param {MediaStreamTrack} voice
 * @param {(text: string) => void} onHeard
 */
function callRecogniser(voice, onHeard) {
  /** @type {import("./line.js").Hearing} */
  const hearing = {
    onVoice: (stream) => (greeting = stream),
    onMessage: (data) => data?.type === "heard" && onHeard(String(data.text)),
    onGone: () => undefined,
    onTaken: () => undefined,
  };
  if (inRoom) return enterRoom(voice, iceServers(), () => api.enterCheck(), hearing);
  return call(voice, iceServers(), (sdp) => api.check(sdp), hearing);
}

async function check() {
  if (!track) return;
  recordButton.disabled = true;
  greeting = null;
  notes.line.hide("line");
  notes.microphone.hide("trouble");
  box("record-words").textContent = "One moment…";
  /** @type {string[]} */
  const words = [];
  const voice = track.clone();
  const line = await callRecogniser(voice, (text) => words.push(text)).catch(showLineTrouble);
  if (line) {
    await untilSilent(greeting);
    words.length = 0;
    await recordOnce(track, words);
    const silent = peak < SPEECH_LEVEL && !words.length;
    if (silent) showTrouble("silent");
    else await recognised(words);
    line.hangUp();
    showHeard(words.join(" "));
  }
  voice.stop();
  box("record-words").textContent = "";
  recordButton.textContent = "Record again";
  recordButton.disabled = !track;
}

/** The words, or the end of patience. @param {string[]} words */
async function recognised(words) {
  box("record-words").textContent = "Listening to what you said…";
  await Promise.race([heardAll(words), pause(HEARD_MS)]);
}

/** Words came, and a moment passed in which the rest may come. @param {string[]} words */
async function heardAll(words) {
  while (!words.length) await pause(50);
  await pause(REST_MS);
}

/**
 * The interviewer says one sentence as the line opens; the candidate's turn comes after it.
 * @param {MediaStream | null} voice
 */
async function untilSilent(voice) {
  if (!voice) return;
  lineAudio.srcObject = voice;
  await lineAudio.play().catch(() => undefined);
  await useSpeaker(lineAudio);
  const theirs = new Meter(voice);
  const begun = performance.now();
  let spokeAt = 0;
  for (let now = begun; now - begun < GREETING_MS; now = performance.now()) {
    if (theirs.level() > 0.1) spokeAt = now;
    if (spokeAt ? now - spokeAt > 500 : now - begun > 1_500) break;
    await pause(50);
  }
  theirs.stop();
}

/** Until the button, the words' arrival or the time says stop. @param {MediaStreamTrack} source @param {string[]} words */
async function recordOnce(source, words) {
  peak = 0;
  recordButton.textContent = "Stop";
  recordButton.disabled = false;
  box("record-words").textContent = "Recording. Please say the sentence.";
  const pressed = new Promise((resolve) => {
    recordButton.addEventListener("click", resolve, { once: true });
  });
  const stop = Promise.race([pressed, heardAll(words), pause(RECORD_MS)]);
  const blob = await record(source, stop);
  recordButton.disabled = true;
  element("playback", HTMLAudioElement).src = URL.createObjectURL(blob);
  box("heard").hidden = false;
}

/** @param {string} text */
function showHeard(text) {
  const wanted = SENTENCE.split(" ");
  const said = new Set(text.toLowerCase().match(/[a-z]+/g) ?? []);
  const share = wanted.filter((word) => said.has(word)).length / wanted.length;
  box("heard-text").textContent = text ? `“${text}”` : "No words.";
  if (share >= 0.5) {
    box("heard-words").textContent = "That is close enough. In the interview, technical terms are repaired.";
    mark("heard", true, "yes");
  } else {
    box("heard-words").textContent = "Not what you said? Come a little nearer to the microphone and record again. You can also go on: in the interview you see every line and can add to it by typing.";
    mark("heard", false, "not quite");
  }
}

/** @param {unknown} failure @returns {null} */
function showLineTrouble(failure) {
  const { title, text } = lineTrouble(failure);
  const acts = [{ label: "Try again", act: () => void check() }];
  notes.line.show("line", { kind: "danger", title, text, acts });
  mark("heard", false, "no connection");
  return null;
}

async function tone() {
  button("tone").disabled = true;
  const before = meter?.pitch(TONE_HZ) ?? -200;
  let during = -200;
  const listen = setInterval(() => (during = Math.max(during, meter?.pitch(TONE_HZ) ?? -200)), 40);
  await playTone(lineAudio).catch(() => undefined);
  clearInterval(listen);
  button("tone").disabled = false;
  button("tone").textContent = "Play it again";
  box("tone-question").hidden = false;
  if (during - before > ECHO_DB && during > -60) {
    const acts = [{ label: "Play it again", act: () => void tone() }];
    const text = "Use headphones, or turn the volume down, so that the interviewer does not hear itself.";
    notes.speaker.show("echo", { title: "Your microphone hears your speaker.", text, acts });
  } else notes.speaker.hide("echo");
}

/** @param {boolean} heard */
function toneAnswer(heard) {
  mark("speaker", heard, heard ? "heard" : "not heard");
  if (heard) {
    notes.speaker.hide("silent");
    return;
  }
  const acts = [{ label: "Play it again", act: () => void tone() }];
  const text = "Choose another speaker above, turn the volume up, and see that this tab is not muted. Every word also appears as text.";
  notes.speaker.show("silent", { title: "Nothing to hear?", text, acts });
}

const typeInstead = () => location.assign(`${ROOM}?by=typing`);

recordButton.addEventListener("click", () => {
  if (recordButton.textContent !== "Stop") void check();
});
button("open").addEventListener("click", () => void open());
microphones.addEventListener("change", () => void open(microphones.value));
speakers.addEventListener("change", () => void useSpeaker(lineAudio, speakers.value));
button("tone").addEventListener("click", () => void tone());
button("tone-yes").addEventListener("click", () => toneAnswer(true));
button("tone-no").addEventListener("click", () => toneAnswer(false));
startButton.addEventListener("click", () => location.assign(`${ROOM}?by=voice`));
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (asked && !track) void open();
  void listMicrophones(microphones, track);
  void listSpeakers(speakers);
});

box("passed-before").hidden = Date.now() - Number(device.get(PASS_KEY)) > PASS_MS;
offerToDecline(api);
void whenOpen(api, () => {
  document.getElementById("early")?.remove();
  for (const each of document.querySelectorAll("[data-onward]")) each.removeAttribute("hidden");
});
if (!window.isSecureContext || !navigator.mediaDevices) showTrouble("insecure");
ready();
