/**
 * What opens the LiveKit room: a join, or the token that the service tells the holder's page beforehand, for
 * the case that it is put out of the room and the bot is still there.
 */

/** A token serves for two minutes. */
const SERVES_MS = 100_000;

export class Passes {
  /** @param {import("./api.js").Api} api @param {import("./holder.js").Holder} holder */
  constructor(api, holder) {
    this.api = api;
    this.holder = holder;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {import("./api.js").Admitted | null} */
    this.newest = null;
    this.toldAt = 0;
  }

  /**
   * @param {boolean} putOut LiveKit ended this page's last stay in the room
   * @returns {Promise<import("./api.js").Admitted>}
   */
  async admit(putOut) {
    const pass = putOut && this.holder.holds ? this.#take() : null;
    const admitted = pass ?? (await this.holder.joining(this.api.enter()));
    this.#follow(admitted.admission);
    return admitted;
  }

  /** It opens the room once. */
  #take() {
    const pass = this.newest;
    this.newest = null;
    return performance.now() - this.toldAt < SERVES_MS ? pass : null;
  }

  /** A socket that breaks off is not opened again: the next join opens another. @param {number} admission */
  #follow(admission) {
    this.socket?.close();
    this.newest = null;
    const socket = this.api.socket(admission);
    socket.addEventListener("message", ({ data }) => {
      if (!this.holder.holds) socket.close();
      const told = JSON.parse(data);
      if (told.kind !== "token" || this.socket !== socket) return;
      this.newest = told;
      this.toldAt = performance.now();
    });
    this.socket = socket;
  }
}
