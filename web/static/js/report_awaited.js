/** Looks for the report until it is there, or is known not to come. */

import { pause } from "./page.js";

const POLL_MS = 2_500;

for (;;) {
  await pause(POLL_MS);
  const reply = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (reply && reply.status !== 202 && reply.status < 500) break;
}
location.reload();
