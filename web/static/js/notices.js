/** What the room tells beside the words spoken: each notice in plain words, with the way on. */

/** Said once on a page: each new line finds the same storage broken. */
const ONCE = new Set(["recording_incomplete"]);
const told = new Set();

/** @type {Record<string, string>} */
const NOTICES = {
  silence_offer: "No hurry. You can also type your answer, pause, or skip this question.",
  question_wind_down: "The time for this question is nearly over. Finish your thought.",
  wind_down: "The interview’s time is nearly over. Finish your thought.",
  not_stored: "What you just said may not have been kept. Please say it again, or type it.",
  recording_incomplete: "Part of the sound recording could not be kept. Your answers are kept as text; the interview goes on.",
};

/** @param {import("./page.js").Notes} notices @param {string} code */
export function showNotice(notices, code) {
  const text = NOTICES[code];
  if (!text || (ONCE.has(code) && told.has(code))) return;
  told.add(code);
  const acts = [{ label: "OK", act: () => notices.hide(code) }];
  const warns = code === "recording_incomplete" || code === "not_stored";
  notices.show(code, { kind: warns ? "warn" : "", icon: warns ? "alert" : "clock", text, acts });
}

/** @param {import("./page.js").Notes} notices @param {boolean} reachable */
export function showReach(notices, reachable) {
  const text = "We keep trying. What you said is kept; a draft stays in this tab.";
  if (reachable) notices.hide("reach");
  else notices.show("reach", { kind: "warn", icon: "link-off", title: "The interview service does not reply.", text });
}

/** @param {import("./page.js").Notes} notices @param {boolean} speaking @param {() => void} unmute */
export function showMutedSpeech(notices, speaking, unmute) {
  const acts = [{ label: "Unmute", act: unmute }];
  if (speaking) notices.show("muted", { kind: "warn", icon: "microphone-off", text: "You are muted but speaking.", acts });
  else notices.hide("muted");
}

/** @param {import("./page.js").Notes} notices @param {boolean} blocked @param {() => void} unlock */
export function showBlockedSound(notices, blocked, unlock) {
  const acts = [{ label: "Turn on the sound", act: unlock }];
  const text = "Your browser wants one click before it plays the interviewer’s voice.";
  if (blocked) notices.show("sound", { kind: "warn", icon: "speaker", text, acts });
  else notices.hide("sound");
}
