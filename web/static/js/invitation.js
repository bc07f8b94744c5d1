/** Agree or decline. */

import { Api } from "./api.js";
import { box, button, element, interviewId, ready } from "./page.js";

const api = new Api(interviewId);
const version = document.body.dataset["consent"] ?? "";
const agree = element("agree", HTMLInputElement);
const problem = box("consent-problem");
const dialog = element("decline-dialog", HTMLDialogElement);
const submit = element("consent", HTMLFormElement).querySelector("button");

/**
 * @param {Promise<import("./api.js").Interview>} call
 * @param {string} next
 */
async function andGo(call, next) {
  problem.textContent = "";
  if (submit) submit.ariaDisabled = "true";
  try {
    const { state_version: reached } = await call;
    await api.saved((interview) => interview.state_version >= reached);
    location.assign(next);
  } catch (failure) {
    problem.textContent = `${failure instanceof Error ? failure.message : ""} Please try again.`;
    submit?.removeAttribute("aria-disabled");
  }
}

element("consent", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (submit?.ariaDisabled) return;
  if (agree.checked) {
    void andGo(api.consent(version), `/interview/${interviewId}/check`);
    return;
  }
  problem.textContent = "Please tick the box first, or decline.";
  agree.ariaInvalid = "true";
  agree.focus();
});

agree.addEventListener("change", () => {
  problem.textContent = "";
  agree.removeAttribute("aria-invalid");
});

button("decline").addEventListener("click", () => dialog.showModal());
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "decline") void andGo(api.decline(), `/interview/${interviewId}`);
});

ready();
