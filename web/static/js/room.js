/** The room: one interview, by voice, by typing, and by both. */

import { Api, Problem } from "./api.js";
import { MicrophoneTrouble, soundAllowed, soundContext } from "./audio.js";
import { Camera } from "./camera.js";
import { Captions, lineOf, promptId } from "./captions.js";
import { sureToFinish, sureToSkip } from "./confirm.js";
import { offerToDecline } from "./decline.js";
import { Holder } from "./holder.js";
import { onSpace } from "./keys.js";
import { Line, call } from "./line.js";
import { LiveState } from "./live.js";
import { enterRoom } from "./livekit.js";
import { Notes, box, button, element, iceServers, iconUse, inRoom, interviewId, pause, ready, tab } from "./page.js";
import { showBlockedSound, showMutedSpeech, showNotice, showReach } from "./notices.js";
import { Passes } from "./passes.js";
import { Sound, troubleNote } from "./sound.js";
import { Stage, drawTime, setText } from "./stage.js";
import { Trying } from "./trying.js";
import { Composer } from "./typing.js";

const MODE_KEY = `codevoice:mode:${interviewId}`;
const FINISHED = `/interview/${interviewId}/finished`;
/** The farewell is short; a page that misses its end still moves on. */
const FAREWELL_MS = 20_000;
const ASKING = ["in_progress", "interrupted", "paused"];
const OPEN = ["scheduled", "waiting", ...ASKING];

const api = new Api(interviewId);
const notices = new Notes(box("notices"));
const problems = new Notes(box("problems"));
const stage = new Stage();
const captions = new Captions({
  lines: box("lines"),
  live: box("live"),
  scroller: box("captions"),
  empty: box("captions-empty"),
  newest: box("newest"),
  smaller: button("smaller"),
  larger: button("larger"),
});

/** @type {import("./stage.js").Facts} */
const facts = { interview: null, mode: "none", line: "off", bot: "listening", camera: false, quiet: false, elsewhere: false, ending: false };
/** @type {Line | null} */
let line = null;

/** @param {Partial<import("./stage.js").Facts>} change */
function now(change) {
  Object.assign(facts, change);
  stage.draw(facts);
}

/** @param {string} words */
function announce(words) {
  setText("announcer", words);
}

// ---- the state ----

const live = new LiveState(api, {
  onState: (interview) => {
    now({ interview });
    holder.saw(interview);
    composer.about(interview.current_question);
    if (!OPEN.includes(interview.status)) void leave();
    else if (interview.status === "paused") line?.close();
    showPrompt();
  },
  onTurn: (turn) => captions.add(lineOf(turn)),
  onReach: (reachable) => showReach(notices, reachable),
  onRefused: (problem) => {
    line?.close();
    problems.show("refused", {
      kind: "danger",
      title: problem.status === 401 ? "Your visit here has ended." : "This page cannot go on.",
      text: "Please open your invitation link again: you come back to the same question.",
    });
  },
});

const holder = new Holder(interviewId, () => {
  line?.close();
  now({ elsewhere: true, mode: "none" });
});
const passes = new Passes(api, holder);

/** Without a voice the prompt appears as a line of its own; with one it comes as it is spoken. */
function showPrompt() {
  const question = facts.interview?.current_question;
  if (!question || facts.mode !== "typing" || facts.interview?.assessing) return;
  if (captions.endsWith(question.text)) return;
  captions.add({ id: promptId(question), who: "interviewer", text: question.text });
}

async function restoreTurns() {
  const { turns } = await api.transcript().catch(() => ({ turns: [] }));
  captions.restore(turns.map(lineOf));
}

/** The last words are heard out; `closed` follows them. */
async function leave() {
  if (facts.ending) return;
  now({ ending: true });
  if (facts.line === "open") await pause(FAREWELL_MS);
  await toFinished();
}

async function toFinished() {
  await api.saved((interview) => !OPEN.includes(interview.status));
  location.replace(FINISHED);
}

// ---- the voice ----

const sound = new Sound({
  onTrack: (track) => void line?.replace(track),
  onTrouble: showTrouble,
  onMutedSpeech: (speaking) => showMutedSpeech(notices, speaking, () => mute(false)),
  onBlocked: (blocked) => showBlockedSound(notices, blocked, () => void sound.unlock()),
});

const camera = new Camera(notices, { onChange: (on) => now({ camera: on }), onSaid: announce });
const trying = new Trying(problems, { again: voicePressed, type: () => void joinByTyping() });

/** A press lets the browser play sound. */
function voicePressed() {
  soundContext();
  void joinByVoice();
}

async function joinByVoice() {
  remember("voice");
  trying.reset();
  const old = line;
  line = null; // the next one takes its place, and the camera stays as it is
  old?.close();
  now({ mode: "voice", elsewhere: false, line: "connecting" });
  try {
    await sound.open();
    problems.hide("microphone");
    await resumeIfPaused();
  } catch (failure) {
    camera.off();
    now({ line: "off", mode: "none" });
    if (failure instanceof MicrophoneTrouble) showTrouble(failure.trouble);
    else refused(failure);
    return;
  }
  if (line) return; // pressed again meanwhile
  if (facts.mode !== "voice") return sound.close(); // typing was chosen meanwhile
  line = new Line(currentTrack, inRoom ? roomCall : directCall, lineEvents());
  void line.start();
}

/** @type {import("./line.js").Caller} */
const directCall = (track, hearing) =>
  call(track, iceServers(), (sdp) => holder.joining(api.join(sdp)), hearing);

/** @type {import("./line.js").Caller} */
const roomCall = (track, hearing) =>
  enterRoom(track, iceServers(), (putOut) => passes.admit(putOut), hearing);

/** @param {import("./audio.js").Trouble | null} trouble */
function showTrouble(trouble) {
  if (trouble) problems.show("microphone", troubleNote(trouble, () => tryAgain(trouble)));
  else problems.hide("microphone");
}

/** A line that is open stays: only the microphone is opened anew. @param {import("./audio.js").Trouble} trouble */
function tryAgain(trouble) {
  if (trouble === "insecure") void joinByTyping();
  else void (line?.open ? sound.again() : joinByVoice());
}

function currentTrack() {
  if (!sound.sent) throw new MicrophoneTrouble("gone");
  return sound.sent;
}

/** @returns {import("./line.js").LineEvents} */
function lineEvents() {
  return {
    mayCall: () => holder.mayHold(live),
    onVoice: (stream) => void sound.play(stream),
    onMessage: hear,
    onState: lineChanged,
    onFailure: lineFailed,
    // By another device; or by a token that was used already, and then the bot sends that one out.
    onTaken: () => void holder.mayHold(live).catch(() => true).then((mine) => mine && line?.lost()),
  };
}

/** @param {"connecting" | "open" | "moving" | "reconnecting" | "closed"} state */
function lineChanged(state) {
  if (state === "reconnecting") announce("The line was lost. Reconnecting.");
  if (state === "open") {
    if (facts.line === "reconnecting") announce("You are connected again.");
    trying.reset();
    camera.follow(line?.call ?? null);
    void keepAwake();
    void live.refresh();
    void restoreTurns();
  }
  if (state !== "closed") {
    if (state !== "connecting" || facts.line !== "full") now({ line: state });
    return;
  }
  if (line) camera.off();
  now({ line: "off", mode: facts.mode === "voice" ? "none" : facts.mode });
  if (facts.interview && !OPEN.includes(facts.interview.status)) void toFinished();
}

/** @param {unknown} failure @returns {boolean} whether to go on calling */
function lineFailed(failure) {
  if (facts.line === "moving") now({ line: "reconnecting" });
  if (failure instanceof MicrophoneTrouble) return false;
  const goesOn = trying.failed(failure);
  if (!goesOn) void live.refresh();
  else if (failure instanceof Problem && failure.kind === "no-capacity") {
    now({ line: "full" });
    announce("Every interviewer is busy just now. You can wait or answer by typing.");
  }
  return goesOn;
}

/** @param {unknown} failure */
function refused(failure) {
  const text = failure instanceof Error ? failure.message : "";
  problems.show("join", { kind: "danger", title: "That did not work.", text });
}

/** What the bot says on the data channel. @param {any} said */
function hear(said) {
  if (said.type === "caption") {
    const caption = { id: said.turn_id, who: said.who, text: said.text };
    if (said.final) captions.add(caption);
    else captions.speaking(caption);
  } else if (said.type === "state") now({ bot: said.state, quiet: isQuiet(said.state) });
  else if (said.type === "cursor") void live.refresh();
  else if (said.type === "notice") showNotice(notices, said.code);
  else if (said.type === "ended") ended(said.reason);
}

/** @param {string} reason */
function ended(reason) {
  if (reason === "superseded") holder.lost();
  else if (reason === "handoff" || reason === "left") line?.lost();
  else line?.close();
  void live.refresh();
}

async function keepAwake() {
  await navigator.wakeLock?.request("screen").catch(() => undefined);
}

// ---- typing ----

async function joinByTyping() {
  line?.close();
  remember("typing");
  try {
    await resumeIfPaused();
    await openTyping();
    sound.close();
    now({ mode: "typing", elsewhere: false, line: "off" });
    problems.hide("microphone");
    problems.hide("join");
    await live.refresh();
    showPrompt();
    composer.focus();
  } catch (failure) {
    refused(failure);
  }
}

const openTyping = () => holder.joining(api.joinTyping(holder.me));

const composer = new Composer({
  send: async (question, text, turnId) => {
    if (facts.mode === "none") {
      await openTyping();
      now({ mode: "typing", elsewhere: false });
    }
    await api.answer(question, text, turnId);
    captions.add({ id: turnId, who: "candidate", text, typed: true });
    problems.hide("typed");
    announce("Sent.");
    await live.refresh();
  },
  onTrouble: (words) => {
    problems.show("typed", { kind: "danger", icon: "keyboard", text: words });
    void live.refresh();
  },
});

// ---- moves ----

async function resumeIfPaused() {
  if (facts.interview?.status === "paused") live.accept(await api.move("resume", undefined));
}

/** @param {"skip" | "back" | "pause" | "finish"} verb */
async function move(verb) {
  const onlyThis = verb === "skip" || verb === "back";
  const question = onlyThis ? facts.interview?.current_question?.question_id : undefined;
  try {
    live.accept(await api.move(verb, question));
    problems.hide("move");
  } catch (failure) {
    const text = failure instanceof Error ? failure.message : "";
    problems.show("move", { kind: "danger", title: "That did not work.", text });
  }
  await live.refresh();
}

async function pauseInterview() {
  await move("pause");
  if (facts.interview?.status !== "paused") return;
  line?.close();
  sound.close();
  announce("Paused. The clock stands still.");
  button("join-voice").focus();
}

/** @param {boolean} muted */
function mute(muted) {
  sound.mute(muted);
  button("mute").ariaPressed = String(muted);
  const words = button("mute").querySelector("span");
  if (words) words.textContent = muted ? "Unmute" : "Mute";
  button("mute").querySelector("use")?.setAttribute("href", iconUse(muted ? "microphone-off" : "microphone"));
  announce(muted ? "You are muted." : "Your microphone is on.");
}

/**
 * Quiet mode outlasts what the interviewer says in it, such as "take your time".
 * @param {import("./stage.js").BotState} state
 */
function isQuiet(state) {
  return state === "thinking" || (state === "speaking" && facts.quiet);
}

function minute() {
  line?.send(facts.quiet ? "listening" : "minute");
}

/** @param {"voice" | "typing"} mode */
function remember(mode) {
  tab.set(MODE_KEY, mode);
}

const showTime = () => drawTime(live.remaining());

button("join-voice").addEventListener("click", voicePressed);
button("join-typing").addEventListener("click", () => void joinByTyping());
button("done").addEventListener("click", () => line?.send("done"));
button("minute").addEventListener("click", minute);
button("repeat").addEventListener("click", () => line?.send("repeat"));
button("mute").addEventListener("click", () => mute(!sound.muted));
button("skip").addEventListener("click", async () => (await sureToSkip()) && (await move("skip")));
button("back").addEventListener("click", () => void move("back"));
button("pause").addEventListener("click", () => void pauseInterview());
button("finish").addEventListener("click", async () => {
  if (await sureToFinish(Boolean(composer.draft))) await move("finish");
});
button("sound").addEventListener("click", () => element("sound-dialog", HTMLDialogElement).showModal());
offerToDecline(api);
onSpace(() => line?.send("done"));
window.addEventListener("pagehide", () => line?.call?.hangUp());
window.addEventListener("online", () => {
  line?.hurry();
  void live.refresh();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (line?.open) void keepAwake();
  void live.refresh();
});
setInterval(showTime, 1_000);

/** Whoever comes from the sound check, or back after a reload, goes straight in where sound may play. */
async function enter() {
  await live.start();
  await restoreTurns();
  showTime();
  if (!facts.interview || facts.interview.status === "paused" || facts.interview.status === "scheduled") return;
  const mode = wanted ?? tab.get(MODE_KEY);
  if (mode === "typing") await joinByTyping();
  else if (mode === "voice" && (await soundAllowed())) await joinByVoice();
}

/** The sound check says how by the address, which a reload is not to repeat. */
const wanted = new URLSearchParams(location.search).get("by");
if (wanted) history.replaceState(null, "", location.pathname);
now({});
ready();
void enter();
