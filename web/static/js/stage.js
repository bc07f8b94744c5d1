/** What the room shows at one moment. `viewOf` decides in one place; `Stage` draws it. */

import { box, button, element, iconUse } from "./page.js";

/**
 * @typedef {"off" | "connecting" | "open" | "moving" | "reconnecting" | "full"} LineState
 * @typedef {"speaking" | "listening" | "thinking" | "writing"} BotState
 *
 * @typedef {object} Facts
 * @property {import("./api.js").Interview | null} interview
 * @property {"none" | "voice" | "typing"} mode
 * @property {LineState} line
 * @property {BotState} bot
 * @property {boolean} camera it is on
 * @property {boolean} quiet the interviewer waits until it is told to go on
 * @property {boolean} elsewhere another tab or device holds the interview
 * @property {boolean} ending the last words are being said
 *
 * @typedef {object} View
 * @property {string} state one of the figure's shapes
 * @property {string} icon
 * @property {string} words
 * @property {string} more
 * @property {boolean} entry the ways in are offered
 * @property {boolean} speaking the voice controls are of use
 * @property {boolean} moving skip, back, pause, finish are of use
 */

/** @type {Record<string, [icon: string, words: string, more: string]>} */
const WORDS = {
  connecting: ["dots", "Connecting to your interviewer…", ""],
  speaking: ["wave", "The interviewer is speaking", "You may interrupt at any time."],
  listening: ["ear", "Listening", "Take the time you need, and press I’m done when you have finished."],
  thinking: ["cup", "Taking your time", "The interviewer waits until you speak or press I’m ready."],
  writing: ["pen", "Writing it down", ""],
  moving: ["dots", "One moment…", "Your interviewer takes another line. What you said is kept."],
  reconnecting: ["link-off", "The line was lost. Reconnecting…", "What you said is kept, and time lost is given back. You can type meanwhile."],
  paused: ["pause", "Paused", "The clock stands still. You may close this page and come back with your link."],
  typing: ["keyboard", "Answering by typing", "Write below the conversation. Typed and spoken answers count alike."],
  full: ["clock", "Every interviewer is busy just now", "You can wait, we keep trying, or answer by typing. Your time does not run."],
  elsewhere: ["link-off", "Your interview is open somewhere else", "The newest tab or device holds it. You can bring it back here."],
  ending: ["flag", "That was the last question", "Please stay for the interviewer’s last words."],
  idle: ["wave", "Ready when you are", "The interviewer greets you as soon as you join."],
  again: ["wave", "Welcome back", "You go on at the same question; what you said is kept."],
};

const WAITED_FOR_WHILE_TYPING = "We keep trying. You can go on typing meanwhile.";

/** @param {import("./api.js").Interview | null} interview */
const begun = (interview) => Boolean(interview && !["waiting", "scheduled"].includes(interview.status));

/** @param {Facts} facts @returns {string} */
function stateOf({ interview, mode, line, bot, elsewhere, ending }) {
  if (elsewhere) return "elsewhere";
  if (interview?.status === "paused") return "paused";
  if (ending && line === "open") return bot === "speaking" ? "speaking" : "ending";
  if (line === "open") return bot;
  if (line !== "off") return line;
  if (mode === "typing") return interview?.assessing ? "writing" : "typing";
  return begun(interview) ? "again" : "idle";
}

/** @param {Facts} facts @returns {View} */
export function viewOf(facts) {
  const state = stateOf(facts);
  const [icon, words, said] = WORDS[state] ?? ["wave", "", ""];
  const more = state === "full" && facts.interview?.clock_running ? WAITED_FOR_WHILE_TYPING : said;
  const entry = ["elsewhere", "paused", "full", "idle", "again", "typing"].includes(state);
  const asking = facts.interview?.status === "in_progress" || facts.interview?.status === "interrupted";
  const here = !facts.elsewhere && !facts.ending;
  return {
    state,
    icon,
    words,
    more,
    entry,
    speaking: here && facts.line === "open" && facts.interview?.status !== "paused",
    moving: here && asking && facts.mode !== "none",
  };
}

/** @param {Facts} facts */
const mayType = ({ interview, elsewhere, ending }) =>
  Boolean(interview?.current_question) && interview?.status !== "paused" && !elsewhere && !ending;

const JOIN_WORDS = {
  paused: "Continue by voice",
  full: "Try again now",
  elsewhere: "Continue here by voice",
  again: "Continue by voice",
  typing: "Speak instead",
};

export class Stage {
  constructor() {
    this.drawn = "";
  }

  /** @param {Facts} facts */
  draw(facts) {
    const view = viewOf(facts);
    const stage = box("stage");
    stage.dataset["state"] = view.state;
    if (this.drawn !== view.state + view.more) {
      document.getElementById("figure-icon")?.setAttribute("href", iconUse(view.icon));
      box("state").textContent = view.words;
      box("state-more").textContent = view.more;
      this.drawn = view.state + view.more;
    }
    box("entry").hidden = !view.entry;
    if (begun(facts.interview)) document.getElementById("decline-row")?.remove();
    box("controls").hidden = !view.speaking;
    box("moves").hidden = !view.moving;
    // A camera that is on can be turned off, line or no line.
    document.getElementById("camera-row")?.toggleAttribute("hidden", !view.speaking && !facts.camera);
    box("join-voice-words").textContent =
      JOIN_WORDS[/** @type {keyof typeof JOIN_WORDS} */ (view.state)] ?? "Join by voice";
    button("join-voice").classList.toggle("primary", view.state !== "typing");
    button("join-typing").hidden = view.state === "typing";
    box("minute-words").textContent = facts.quiet ? "I’m ready" : "A minute, please";
    element("composer", HTMLFormElement).hidden = !mayType(facts);
    this.#question(facts);
    this.#progress(facts);
  }

  /** @param {Facts} facts */
  #question({ interview, mode, elsewhere }) {
    const question = interview?.current_question;
    const shown = Boolean(question) && mode !== "none" && !elsewhere && interview?.status !== "paused";
    box("question").hidden = !shown;
    if (!question) return;
    const follow = question.is_follow_up ? ", follow-up" : "";
    setText("question-kind", `Question ${question.number}${follow} · ${question.topic}`);
    setText("question-text", question.text);
    button("back").disabled = question.number <= 1;
  }

  /** @param {Facts} facts */
  #progress({ interview }) {
    const question = interview?.current_question;
    if (!question) return;
    setText("progress-words", `Question ${question.number} of ${question.total}`);
    [...box("pips").children].forEach((pip, place) => {
      pip.className = place + 1 < question.number ? "past" : "";
      if (place + 1 === question.number) pip.className = "now";
    });
  }
}

/** @param {number | null} seconds that are left */
export function drawTime(seconds) {
  if (seconds === null) return;
  const minutes = Math.ceil(seconds / 60);
  setText("time-words", seconds <= 60 ? "less than a minute left" : `${minutes} min left`);
}

/** Written only when it changes, so that nothing is read out again. @param {string} id @param {string} text */
export function setText(id, text) {
  const target = box(id);
  if (target.textContent !== text) target.textContent = text;
}
