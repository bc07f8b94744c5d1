/** Looks for the report until it is there. */

import { pause } from "./page.js";

const POLL_MS = 2_500;

for (;;) {
  await pause(POLL_MS);
  const reply = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (reply && reply.status !== 202) break;
}
location.reload();
