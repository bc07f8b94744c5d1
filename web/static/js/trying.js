/** A line that does not come: how long it is tried, and what is said meanwhile. */

import { Problem, Unreachable } from "./api.js";
import { LineBlocked } from "./line.js";

/** A failure that passes within this time is not worth a word of its own. */
const TELL_MS = 15_000;
const STOP_MS = 10 * 60_000;

/** @param {unknown} failure @returns {{title: string, text: string}} */
export function lineTrouble(failure) {
  if (failure instanceof LineBlocked) {
    return { title: "The sound does not get through.", text: "Your network seems to block calls (UDP). Try another network, for example your phone’s, or type your answers." };
  }
  if (failure instanceof Unreachable) {
    return { title: "The interview service does not reply.", text: "Check your connection. We can try again at once." };
  }
  if (failure instanceof Problem && failure.kind === "no-capacity") {
    return { title: "Every interviewer is busy just now.", text: "Wait a minute and try again, or type your answers." };
  }
  const why = failure instanceof Problem ? failure.message : "Something failed in this browser.";
  return { title: "The sound line could not be opened.", text: `${why} Try again, or type your answers.` };
}

/** What the room says of its line's failures, and when it has tried long enough. */
export class Trying {
  /** @param {import("./page.js").Notes} notes @param {{again: () => void, type: () => void}} ways */
  constructor(notes, ways) {
    this.notes = notes;
    this.again = { label: "Try again", act: ways.again };
    this.type = { label: "Type instead", act: ways.type };
    /** Of the first of the failures that followed each other; 0 without one. */
    this.since = 0;
  }

  /** The line is up, or is wanted anew. */
  reset() {
    this.since = 0;
    this.notes.hide("join");
  }

  /**
   * A service out of reach is told elsewhere, and comes back by itself.
   * @param {unknown} failure
   * @returns {boolean} whether to go on calling
   */
  failed(failure) {
    if (failure instanceof Unreachable) {
      this.since = 0;
      return true;
    }
    this.since ||= performance.now();
    const triedMs = performance.now() - this.since;
    const refused = failure instanceof Problem && !failure.passing;
    const goesOn = !refused && triedMs < STOP_MS;
    if (!goesOn) this.#stopped(failure, refused);
    else if (!(failure instanceof Problem)) this.#goingOn(failure);
    else if (failure.kind !== "no-capacity" && triedMs > TELL_MS) this.#goingOn(failure);
    return goesOn;
  }

  /** @param {unknown} failure */
  #goingOn(failure) {
    const { title, text } = lineTrouble(failure);
    this.notes.show("join", { kind: "danger", icon: "link-off", title, text: `${text} We keep trying.`, acts: [this.type] });
  }

  /** @param {unknown} failure @param {boolean} refused */
  #stopped(failure, refused) {
    const { title, text } = lineTrouble(failure);
    const words = refused ? text : `${text} We tried for ten minutes and have stopped.`;
    this.notes.show("join", { kind: "danger", icon: "link-off", title, text: words, acts: [this.again, this.type] });
  }
}
