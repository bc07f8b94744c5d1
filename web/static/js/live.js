/** The interview's state, kept fresh: server-sent events, and polling while they do not come. */

import { Problem } from "./api.js";

const POLL_MS = 4_000;
const POLL_WITH_EVENTS_MS = 20_000;

export class LiveState {
  /**
   * @param {import("./api.js").Api} api
   * @param {{onState: (interview: import("./api.js").Interview) => void,
   *   onTurn: (turn: import("./api.js").Turn) => void,
   *   onReach: (reachable: boolean) => void, onRefused: (problem: Problem) => void}} events
   */
  constructor(api, events) {
    this.api = api;
    this.events = events;
    /** @type {import("./api.js").Interview | null} */
    this.interview = null;
    this.readAt = 0;
    this.reachable = true;
    this.again = false;
    this.timer = 0;
    /** @type {Promise<void> | null} */
    this.reading = null;
    /** @type {EventSource | null} */
    this.source = null;
  }

  start() {
    this.#listen();
    return this.refresh();
  }

  #listen() {
    this.source = this.api.events();
    this.source.addEventListener("state", () => void this.refresh());
    this.source.addEventListener("turn", ({ data }) => {
      const { turn } = JSON.parse(data);
      if (turn) this.events.onTurn(turn);
    });
    this.source.addEventListener("open", () => void this.refresh());
    this.source.addEventListener("error", () => void this.refresh());
  }

  stop() {
    this.source?.close();
    clearTimeout(this.timer);
  }

  /** Reads the state; a call during a reading makes one more. */
  refresh() {
    if (this.reading) {
      this.again = true;
      return this.reading;
    }
    this.reading = this.#read().finally(() => {
      this.reading = null;
      if (!this.again) return;
      this.again = false;
      void this.refresh();
    });
    return this.reading;
  }

  /** A newer state that came as a reply. @param {import("./api.js").Interview} interview */
  accept(interview) {
    if (this.interview && interview.state_version < this.interview.state_version) return;
    this.interview = interview;
    this.readAt = performance.now();
    this.events.onState(interview);
  }

  /** Asking time left now, in seconds. */
  remaining() {
    if (!this.interview) return null;
    const since = this.interview.clock_running ? (performance.now() - this.readAt) / 1000 : 0;
    return Math.max(0, this.interview.remaining_s - since);
  }

  async #read() {
    try {
      this.accept(await this.api.status());
      this.#reached(true);
    } catch (failure) {
      if (failure instanceof Problem && !failure.passing) {
        this.stop();
        this.events.onRefused(failure);
        return;
      }
      this.#reached(false);
    }
    if (this.source?.readyState === EventSource.CLOSED) this.#listen();
    const streaming = this.source?.readyState === EventSource.OPEN;
    this.#next(streaming ? POLL_WITH_EVENTS_MS : POLL_MS);
  }

  /** @param {boolean} reachable */
  #reached(reachable) {
    this.reachable = reachable;
    this.events.onReach(reachable);
  }

  /** @param {number} ms */
  #next(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), ms);
  }
}
