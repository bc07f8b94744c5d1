/** What the keyboard does in the room. */

import { box } from "./page.js";

/** Space means "I'm done" unless the focus is on something that uses it. @param {() => void} done */
export function onSpace(done) {
  document.addEventListener("keydown", (event) => {
    if (event.code !== "Space" || event.repeat || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest("button, a, input, textarea, select, dialog, #captions") || box("controls").hidden) return;
    event.preventDefault();
    done();
  });
}
