/** A question in the browser's own dialog: focus, Escape and screen readers work as they should. */

import { box, button, element } from "./page.js";

/**
 * @param {string} title
 * @param {string} words
 * @param {string} yes
 * @param {string} no
 * @returns {Promise<boolean>}
 */
function confirm(title, words, yes, no) {
  const dialog = element("confirm", HTMLDialogElement);
  box("confirm-title").textContent = title;
  box("confirm-words").textContent = words;
  button("confirm-yes").textContent = yes;
  button("confirm-no").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export function sureToSkip() {
  const words = "It then counts as not answered. “Go back” returns to it while it is the question before.";
  return confirm("Skip this question?", words, "Skip the question", "Stay with it");
}

/** @param {boolean} draft there is text that was not sent */
export function sureToFinish(draft) {
  const unsent = draft ? " The text you have not sent is not part of it." : "";
  const words = `Questions you have not reached stay open, and what you said so far is kept.${unsent} You cannot come back afterwards.`;
  return confirm("Finish the interview?", words, "Finish now", "Go on with the interview");
}
