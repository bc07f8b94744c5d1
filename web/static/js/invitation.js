/** Agree or decline; then wait for the opening, where there is one. */

import { Api } from "./api.js";
import { offerToDecline } from "./decline.js";
import { whenOpen } from "./opening.js";
import { box, element, interviewId, ready } from "./page.js";

const api = new Api(interviewId);
/** The service knows which page comes next. */
const NEXT = `/interview/${interviewId}`;

function askForConsent() {
  const form = element("consent", HTMLFormElement);
  const agree = element("agree", HTMLInputElement);
  const problem = box("consent-problem");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (agree.checked) {
      void consent(form, problem);
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
}

/** @param {HTMLFormElement} form @param {HTMLElement} problem */
async function consent(form, problem) {
  const submit = form.querySelector("button");
  if (!submit || submit.ariaDisabled) return;
  problem.textContent = "";
  submit.ariaDisabled = "true";
  try {
    await api.settled(api.consent(document.body.dataset["consent"] ?? ""));
    location.assign(NEXT);
  } catch (failure) {
    problem.textContent = `${failure instanceof Error ? failure.message : ""} Please try again.`;
    submit.removeAttribute("aria-disabled");
  }
}

if (document.getElementById("consent")) askForConsent();
offerToDecline(api);
void whenOpen(api, () => location.assign(NEXT));
ready();
