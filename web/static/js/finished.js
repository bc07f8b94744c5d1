/** What became of the interview: follows the grading until the report is there. */

import { Api } from "./api.js";
import { box, button, interviewId, pause } from "./page.js";

const api = new Api(interviewId);
const words = document.getElementById("grading-words");
const link = document.getElementById("report-link");
const waiting = document.getElementById("report-words");
const POLL_MS = 2_000;

/** @param {import("./api.js").Interview} interview */
function gradingWords({ grades_so_far: grades, status }) {
  const total = grades.graded + grades.pending + grades.ungraded;
  if (!total) return "";
  if (status === "completed" && !grades.ungraded) return "Done.";
  if (status === "completed") return "Done, except for answers that a person will read first.";
  return `${grades.graded} of ${total} compared so far.`;
}

async function follow() {
  for (;;) {
    const interview = await api.status().catch(() => null);
    if (interview) {
      if (words && words.textContent !== gradingWords(interview)) {
        words.textContent = gradingWords(interview);
      }
      if (link && interview.report_version > 0) {
        link.hidden = false;
        if (waiting) waiting.hidden = true;
      }
      if (interview.status !== "grading") return;
    }
    await pause(POLL_MS);
  }
}

button("copy").addEventListener("click", async () => {
  const copied = await navigator.clipboard
    ?.writeText(box("reference").textContent ?? "")
    .then(() => true, () => false);
  box("copied").textContent = copied ? "Copied." : "Please select and copy it.";
});

if (words) void follow();
