/**
 * The candidate's camera, for staff who listen live to see: off until its button is pressed, and
 * whatever becomes of it, the interview goes on as it is.
 */

import { box, button, element, iconUse } from "./page.js";

/** @type {MediaStreamConstraints} */
const WANTED = {
  video: {
    width: { ideal: 640 },
    height: { ideal: 360 },
    frameRate: { ideal: 15, max: 15 },
    facingMode: "user",
  },
};

const ON = "Your camera is on. Staff who listen live can see you.";
const OFF = "Your camera is off. You need not turn it on.";

/** @type {Record<string, [title: string, text: string]>} */
const TROUBLES = {
  NotAllowedError: [
    "The camera is blocked for this page.",
    "Press the icon beside the address of this page, allow the camera, then press Camera again.",
  ],
  NotFoundError: ["No camera was found.", "Plug one in, then press Camera again."],
  NotReadableError: [
    "Another program is using the camera.",
    "Close other calls and recorders, then press Camera again.",
  ],
  ended: ["The camera was unplugged, or stopped by your browser.", "Press Camera to turn it on again."],
  unsent: ["Your picture could not be sent.", "Press Camera to try again."],
};
/** @type {[title: string, text: string]} */
const FAILED = ["The camera could not be opened.", "Press Camera to try again."];

/**
 * @typedef {object} CameraEvents
 * @property {(on: boolean) => void} onChange
 * @property {(words: string) => void} onSaid for whoever does not see the page
 */

export class Camera {
  /** @param {import("./page.js").Notes} notes @param {CameraEvents} events */
  constructor(notes, events) {
    this.notes = notes;
    this.events = events;
    /** The button was pressed; the browser may still be asking. */
    this.wanted = false;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {import("./line.js").Call | null} */
    this.call = null;
    document.getElementById("camera")?.addEventListener("click", () => {
      if (this.wanted) this.off();
      else void this.#on();
    });
  }

  /** The line is open: a picture that is on goes there. @param {import("./line.js").Call | null} call */
  follow(call) {
    this.call = call;
    if (this.track) void this.#show();
  }

  /** Also where it was on for nobody: the device's light goes out. */
  off() {
    if (!this.wanted) return;
    this.wanted = false;
    this.track?.stop();
    this.track = null;
    this.#draw();
    void this.#show();
  }

  async #on() {
    this.wanted = true;
    this.notes.hide("camera");
    let track;
    try {
      track = await open();
    } catch (failure) {
      if (this.wanted && !this.track) this.#fails(failure instanceof Error ? failure.name : "");
      return;
    }
    if (!this.wanted || this.track) {
      track.stop();
      return;
    }
    this.track = track;
    track.addEventListener("ended", () => this.track === track && this.#fails("ended"));
    this.#draw();
    await this.#show();
  }

  async #show() {
    const { call, track } = this;
    try {
      await call?.show?.(track);
    } catch {
      if (track && track === this.track && call === this.call) this.#fails("unsent");
    }
  }

  /** @param {string} name */
  #fails(name) {
    const [title, text] = TROUBLES[name] ?? FAILED;
    const acts = [{ label: "OK", act: () => this.notes.hide("camera") }];
    this.off();
    this.notes.show("camera", { kind: "warn", icon: "camera-off", title, text: `${text} The interview goes on without it.`, acts });
  }

  #draw() {
    const on = this.track !== null;
    const pressed = button("camera");
    if (pressed.ariaPressed === String(on)) return;
    pressed.ariaPressed = String(on);
    pressed.querySelector("use")?.setAttribute("href", iconUse(on ? "camera" : "camera-off"));
    element("mirror", HTMLVideoElement).srcObject = this.track && new MediaStream([this.track]);
    box("self-view").hidden = !on;
    box("camera-words").textContent = on ? ON : OFF;
    this.events.onSaid(on ? ON : "Your camera is off.");
    this.events.onChange(on);
  }
}

/** @returns {Promise<MediaStreamTrack>} */
async function open() {
  const [track] = (await navigator.mediaDevices.getUserMedia(WANTED)).getVideoTracks();
  if (!track) throw new DOMException("", "NotFoundError");
  return track;
}
