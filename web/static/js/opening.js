/** An interview that opens later. */

import { pause } from "./page.js";

/** Clocks differ: the service says when it is open, and is asked more often about that time. */
const SOON_MS = 2_000;
const SELDOM_MS = 30_000;

/** Calls `act` once it has opened, or ended. Nothing on a page that waits for no opening.
 * @param {import("./api.js").Api} api @param {() => void} act */
export async function whenOpen(api, act) {
  const opens = document.body.dataset["opens"];
  if (!opens) return;
  for (;;) {
    await pause(Math.min(Math.max(Date.parse(opens) - Date.now(), SOON_MS), SELDOM_MS));
    const interview = await api.status().catch(() => null);
    if (interview && interview.status !== "scheduled") break;
  }
  act();
}
