/**
 * The conversation on the page: both sides, named, the whole of it, earlier turns too.
 *
 * Final lines go into the log, which a screen reader reads as they come. The line still being
 * spoken stands outside of it, so that nobody hears half sentences.
 */

import { device } from "./page.js";

const SIZES = ["normal", "large", "largest"];
const SIZE_KEY = "codevoice:caption-size";
const NAMES = { interviewer: "Interviewer", candidate: "You" };

/**
 * @typedef {object} CaptionLine
 * @property {string} id
 * @property {"interviewer" | "candidate"} who
 * @property {string} text
 * @property {boolean} [typed]
 */

/** What is asked in writing: shown at once, and the same line when it comes back as a turn.
 * @param {{question_id: string | null, revision: number | null}} asked */
export const promptId = ({ question_id, revision }) => `prompt:${question_id}:${revision}`;

/** @param {import("./api.js").Turn} turn @returns {CaptionLine} */
export function lineOf(turn) {
  const typed = turn.kind === "typed";
  const prompt = typed && turn.speaker === "interviewer";
  return {
    id: prompt ? promptId(turn) : turn.id,
    who: turn.speaker,
    text: turn.text,
    typed: typed && !prompt,
  };
}

export class Captions {
  /**
   * @param {{lines: HTMLElement, live: HTMLElement, scroller: HTMLElement, empty: HTMLElement,
   *   newest: HTMLElement, smaller: HTMLButtonElement, larger: HTMLButtonElement}} parts
   */
  constructor(parts) {
    this.parts = parts;
    /** @type {Map<string, HTMLElement>} */
    this.byId = new Map();
    this.liveId = "";
    parts.scroller.addEventListener("scroll", () => this.#offerNewest());
    parts.newest.addEventListener("click", () => this.#toNewest());
    parts.smaller.addEventListener("click", () => this.#resize(-1));
    parts.larger.addEventListener("click", () => this.#resize(1));
    this.#resize(0);
  }

  /** A line that is complete; the same id again corrects it. @param {CaptionLine} line */
  add(line) {
    if (line.id === this.liveId) this.#clearLive();
    if (!line.text) return;
    const known = this.byId.get(line.id);
    if (known) {
      said(known).textContent = line.text;
      return;
    }
    this.#follow(() => this.parts.lines.append(this.#draw(line)));
  }

  /** The line being spoken now. @param {CaptionLine} line */
  speaking(line) {
    if (this.byId.has(line.id)) return;
    const { live } = this.parts;
    this.liveId = line.id;
    this.#follow(() => {
      live.className = `line live ${line.who}`;
      /** @type {HTMLElement} */ (live.querySelector(".who")).textContent = NAMES[line.who];
      said(live).textContent = line.text;
      live.hidden = false;
      this.parts.empty.hidden = true;
    });
  }

  /**
   * Puts the stored conversation in, in its order, around what is shown already. It is not read
   * out: the candidate was there when it was said.
   * @param {CaptionLine[]} lines
   */
  restore(lines) {
    const { lines: list } = this.parts;
    list.ariaLive = "off";
    this.#follow(() => {
      /** @type {Element | null} */
      let before = null;
      for (const line of lines) {
        const known = this.byId.get(line.id);
        if (known) said(known).textContent = line.text;
        else if (!line.text) continue;
        const drawn = known ?? this.#draw(line);
        if (!known) list.insertBefore(drawn, before ? before.nextSibling : list.firstChild);
        before = drawn;
      }
    });
    requestAnimationFrame(() => (list.ariaLive = "polite"));
  }

  /** Whether the interviewer's last line already says this. @param {string} text */
  endsWith(text) {
    const last = [...this.parts.lines.querySelectorAll(".interviewer .said")].pop();
    return Boolean(last?.textContent?.includes(text));
  }

  /** @param {CaptionLine} line */
  #draw(line) {
    const drawn = document.createElement("div");
    drawn.className = `line ${line.who}`;
    const who = document.createElement("p");
    who.className = "who";
    who.textContent = NAMES[line.who] + (line.typed ? ", typed" : "");
    const text = document.createElement("p");
    text.className = "said";
    text.dir = "auto";
    text.textContent = line.text;
    drawn.append(who, text);
    this.byId.set(line.id, drawn);
    this.parts.empty.hidden = true;
    return drawn;
  }

  #clearLive() {
    this.liveId = "";
    this.parts.live.hidden = true;
  }

  /** Follows the newest line unless the reader has scrolled up. @param {() => void} change */
  #follow(change) {
    const follows = this.#atEnd();
    change();
    if (follows) this.#toNewest();
    else this.#offerNewest();
  }

  #atEnd() {
    const { scroller } = this.parts;
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
  }

  #toNewest() {
    this.parts.scroller.scrollTop = this.parts.scroller.scrollHeight;
    this.parts.newest.hidden = true;
  }

  #offerNewest() {
    this.parts.newest.hidden = this.#atEnd();
  }

  /** @param {number} by */
  #resize(by) {
    const { scroller, smaller, larger } = this.parts;
    const now = Math.max(0, SIZES.indexOf(device.get(SIZE_KEY) ?? "normal")) + by;
    const size = SIZES[Math.min(SIZES.length - 1, Math.max(0, now))] ?? "normal";
    device.set(SIZE_KEY, size);
    scroller.dataset["size"] = size;
    smaller.ariaDisabled = String(size === SIZES[0]);
    larger.ariaDisabled = String(size === SIZES[SIZES.length - 1]);
  }
}

/** @param {Element} line */
const said = (line) => /** @type {HTMLElement} */ (line.querySelector(".said"));
