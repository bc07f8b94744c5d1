/**
 * Which tab or device holds the interview: the newest that joined. The epoch tells, and in a LiveKit
 * room, where a join needs no new epoch, the admission's number; tabs of one browser tell each other
 * at once.
 */

import { Unreachable } from "./api.js";
import { newId } from "./page.js";

export class Holder {
  /** @param {string} interviewId @param {() => void} onLost */
  constructor(interviewId, onLost) {
    this.me = newId();
    this.epoch = 0;
    this.admission = 0;
    /** Joins whose reply never came may have raised the epoch and the number, too. */
    this.unanswered = 0;
    this.asked = 0;
    this.answered = 0;
    this.pending = 0;
    this.holds = false;
    this.onLost = onLost;
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(`codevoice:${interviewId}`) : null;
    this.channel?.addEventListener("message", (event) => {
      if (event.data?.joined !== this.me) this.lost();
    });
  }

  /**
   * @template {{epoch: number, admission?: number}} T
   * @param {Promise<T>} join
   * @returns {Promise<T>}
   */
  async joining(join) {
    const asked = (this.asked += 1);
    this.pending += 1;
    try {
      const joined = await join;
      this.epoch = Math.max(this.epoch, joined.epoch);
      this.admission = Math.max(this.admission, joined.admission ?? 0);
      this.answered = asked;
      this.unanswered = 0;
      this.holds = true;
      this.channel?.postMessage({ joined: this.me });
      return joined;
    } catch (failure) {
      // One that a later join of ours has overtaken is behind the epoch already known.
      if (asked > this.answered) this.unanswered += 1;
      throw failure;
    } finally {
      this.pending -= 1;
    }
  }

  lost() {
    if (!this.holds) return;
    this.holds = false;
    this.onLost();
  }

  /**
   * Before calling again: has somebody else joined since? Raises Unreachable when the service does
   * not reply: a call would not reach it either, and would leave the epoch in doubt.
   * @param {import("./live.js").LiveState} live
   */
  async mayHold(live) {
    if (!this.holds) return true;
    await live.refresh();
    if (!live.reachable) throw new Unreachable();
    if (live.interview) this.saw(live.interview);
    return this.holds;
  }

  /** A state came in: a newer join than ours is somebody else's. @param {{epoch: number, admission: number}} interview */
  saw({ epoch, admission }) {
    const newer = epoch > this.epoch + this.unanswered || admission > this.admission + this.unanswered;
    if (newer && !this.pending) this.lost();
  }
}
