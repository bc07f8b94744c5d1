/** Declining, asked once more in the browser's own dialog. Pages offer it until the interview begins. */

import { box, button, element, interviewId } from "./page.js";

/** Does nothing on a page without the button. @param {import("./api.js").Api} api */
export function offerToDecline(api) {
  if (!document.getElementById("decline")) return;
  const dialog = element("decline-dialog", HTMLDialogElement);
  button("decline").addEventListener("click", () => {
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "decline") void decline(api);
  });
}

/** @param {import("./api.js").Api} api */
async function decline(api) {
  box("decline-problem").textContent = "";
  try {
    await api.settled(api.decline());
    location.assign(`/interview/${interviewId}`);
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : "";
    box("decline-problem").textContent = `${why} Please try again.`;
  }
}
