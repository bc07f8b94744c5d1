/** What the interviewer says beside its words: each notice in plain words, with the way on. */

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
  if (!text) return;
  const acts = [{ label: "OK", act: () => notices.hide(code) }];
  const kind = code === "recording_incomplete" || code === "not_stored" ? "warn" : "";
  notices.show(code, { kind, icon: "clock", text, acts });
}
