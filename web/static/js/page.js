/** Small things every page needs: typed element look-up, the interview's id, notes, storage. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page lacks #${id}`);
  return found;
}

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);
/** @param {string} id */
export const box = (id) => element(id, HTMLElement);

export const interviewId = document.body.dataset["interview"] ?? "";

/** Buttons wait for the script, so that no press is lost before it has loaded. */
export function ready() {
  for (const each of document.querySelectorAll("[data-when-ready]")) each.removeAttribute("disabled");
}

/** @returns {RTCIceServer[]} */
export function iceServers() {
  return JSON.parse(document.body.dataset["ice"] || "[]");
}

/** The interview is held in a LiveKit room. */
export const inRoom = document.body.dataset["transport"] === "livekit";

/** @param {string} name */
export function iconUse(name) {
  const sprite = document.querySelector("svg.icon use")?.getAttribute("href")?.split("#")[0] ?? "";
  return `${sprite}#${name}`;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", iconUse(name));
  svg.append(use);
  return svg;
}

/**
 * A message with the way on.
 * @typedef {object} Note
 * @property {string} text
 * @property {string} [title]
 * @property {string} [icon]
 * @property {"" | "warn" | "danger"} [kind]
 * @property {{label: string, act: () => void}[]} [acts]
 */

/** @param {Note} note */
function draw(note) {
  const drawn = document.createElement("div");
  drawn.className = `note ${note.kind ?? "warn"}`;
  const words = document.createElement("div");
  if (note.title) {
    const title = document.createElement("strong");
    title.textContent = `${note.title} `;
    words.append(title);
  }
  words.append(note.text);
  drawn.append(icon(note.icon ?? "alert"), words);
  if (note.acts?.length) {
    const row = document.createElement("div");
    row.className = "buttons";
    for (const { label, act } of note.acts) {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "button";
      made.textContent = label;
      made.addEventListener("click", act);
      row.append(made);
    }
    drawn.append(row);
  }
  return drawn;
}

/** Notes in one place of the page, at most one for each key. */
export class Notes {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, {text: string, drawn: HTMLElement}>} */
    this.shown = new Map();
  }

  /** @param {string} key @param {Note} note */
  show(key, note) {
    const old = this.shown.get(key);
    if (old?.text === note.text) return;
    const drawn = draw(note);
    if (old) old.drawn.replaceWith(drawn);
    else this.place.append(drawn);
    this.shown.set(key, { text: note.text, drawn });
  }

  /** @param {string} key */
  hide(key) {
    this.shown.get(key)?.drawn.remove();
    this.shown.delete(key);
  }
}

/**
 * Storage that may be forbidden (private windows, policies): then nothing is remembered.
 * @param {() => Storage} open
 */
function remembering(open) {
  return {
    /** @param {string} key @returns {string | null} */
    get(key) {
      try {
        return open().getItem(key);
      } catch {
        return null;
      }
    },
    /** @param {string} key @param {string | null} value */
    set(key, value) {
      try {
        if (value === null) open().removeItem(key);
        else open().setItem(key, value);
      } catch {
        /* not remembered */
      }
    },
  };
}

/** Remembered for this tab. */
export const tab = remembering(() => sessionStorage);
/** Remembered for this device. */
export const device = remembering(() => localStorage);

/**
 * A UUIDv7. `crypto.randomUUID` is missing over plain http, where typing still has to work.
 * @returns {string}
 */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setBigUint64(0, (BigInt(Date.now()) << 16n) | 0x7000n);
  crypto.getRandomValues(bytes.subarray(7, 8));
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
