/** The composer: typed answers, and drafts that outlive a reload. */

import { Problem } from "./api.js";
import { box, button, element, interviewId, newId, tab } from "./page.js";

const NEAR_LIMIT = 18_000;
const LIMIT = 20_000;
/** Whoever has no keyboard at hand needs no word about its keys. */
const BY_TOUCH = matchMedia("(hover: none) and (pointer: coarse)").matches;
const HINT = `${BY_TOUCH ? "" : "Control + Enter sends. "}A draft is kept in this tab.`;

export class Composer {
  /**
   * @param {{send: (question: import("./api.js").CurrentQuestion, text: string, turnId: string) => Promise<void>,
   *   onTrouble: (words: string) => void}} events
   */
  constructor(events) {
    this.events = events;
    this.field = element("answer", HTMLTextAreaElement);
    this.sendButton = button("send");
    /** @type {import("./api.js").CurrentQuestion | null} */
    this.question = null;
    this.sending = false;
    this.wanted = false;
    /** One id for one text, however often it is sent. */
    this.turnId = newId();
    this.field.addEventListener("input", () => this.#edited());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void this.#send();
    });
    this.#hint();
    element("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /** A draft belongs to its question. @param {import("./api.js").CurrentQuestion | null} question */
  about(question) {
    if (question && this.wanted) {
      this.wanted = false;
      this.field.focus();
    }
    const moved = question?.question_id !== this.question?.question_id;
    this.question = question;
    if (!moved || this.sending) return;
    this.field.value = tab.get(this.#key()) ?? "";
    this.turnId = newId();
    this.#hint();
  }

  /** Puts the focus here, at once or as soon as there is a question to answer. */
  focus() {
    this.wanted = this.question === null;
    this.field.focus();
  }

  get draft() {
    return this.field.value.trim();
  }

  #key() {
    return `codevoice:draft:${interviewId}:${this.question?.question_id ?? ""}`;
  }

  #edited() {
    this.turnId = newId();
    tab.set(this.#key(), this.field.value || null);
    this.#hint();
  }

  #hint() {
    const length = this.field.value.length;
    box("answer-words").textContent =
      length > NEAR_LIMIT ? `${length} of ${LIMIT} characters.` : HINT;
  }

  async #send() {
    const text = this.draft;
    if (!text || !this.question || this.sending) {
      if (!text) this.field.focus();
      return;
    }
    const key = this.#key();
    this.sending = true;
    this.sendButton.ariaDisabled = "true";
    try {
      await this.events.send(this.question, text, this.turnId);
      tab.set(key, null);
      if (this.draft === text) this.field.value = "";
      this.turnId = newId();
    } catch (failure) {
      this.events.onTrouble(notSent(failure));
    } finally {
      this.sending = false;
      this.sendButton.removeAttribute("aria-disabled");
      this.field.focus();
    }
  }
}

/** @param {unknown} failure */
function notSent(failure) {
  if (failure instanceof Problem && failure.status === 409) {
    return "The interview had moved on. Your text is still here: look at the question, then send it again.";
  }
  const why = failure instanceof Error ? failure.message : "";
  return `Your text was not sent, and is kept here. ${why}`;
}
