/**
 * The API's client: one method for each call a candidate's page makes. The cookie says who asks.
 *
 * @typedef {object} CurrentQuestion
 * @property {string} question_id
 * @property {number} number
 * @property {number} total
 * @property {number} revision
 * @property {string} topic
 * @property {string} text
 * @property {boolean} is_follow_up
 * @property {number} time_limit_s
 *
 * @typedef {object} Interview
 * @property {string} id
 * @property {string} status
 * @property {number} state_version
 * @property {CurrentQuestion | null} current_question
 * @property {boolean} assessing
 * @property {{answered: number, skipped: number, interrupted: number, unasked: number, total: number}} progress
 * @property {{graded: number, pending: number, ungraded: number}} grades_so_far
 * @property {number} remaining_s
 * @property {boolean} clock_running
 * @property {boolean} consented
 * @property {number} epoch
 * @property {number} admission
 * @property {boolean} live
 * @property {boolean} no_capacity
 * @property {string | null} ends_reason
 * @property {number} report_version
 *
 * @typedef {object} Turn
 * @property {string} id
 * @property {number} number
 * @property {string | null} question_id
 * @property {number | null} revision
 * @property {"interviewer" | "candidate"} speaker
 * @property {"spoken" | "typed"} kind
 * @property {string} text
 * @property {boolean} interrupted
 *
 * @typedef {{sdp: string, type: "answer", epoch: number}} Answered
 * @typedef {{url: string, token: string, epoch: number, admission: number}} Admitted
 */

import { newId, pause } from "./page.js";

/** A refusal the API explains. `kind` is stable, `message` is meant for people. */
export class Problem extends Error {
  /** @param {number} status @param {{type?: string, detail?: string, title?: string}} body @param {number} retryAfterMs */
  constructor(status, body, retryAfterMs) {
    super(body.detail || body.title || "Something failed on our side.");
    this.status = status;
    this.kind = (body.type ?? "").split(":").pop() ?? "";
    this.retryAfterMs = retryAfterMs;
  }

  /** The same call may succeed later. */
  get passing() {
    return this.status === 429 || this.status >= 500;
  }
}

/** The service did not reply: no network, or it is down. */
export class Unreachable extends Error {
  constructor() {
    super("The interview service does not reply.");
  }
}

/** A join waits for a worker: 5 s, and longer while Temporal is busy. */
const TIMEOUT_MS = 20_000;
/** A read takes milliseconds; on a network that swallows packets it is to be asked again soon. */
const READ_TIMEOUT_MS = 8_000;
/** Waits before the same write is sent again, with the same key: it has one effect however often it arrives. */
const RETRY_MS = [400, 1_200, 3_000];

const SAVED_MS = [50, 100, 200, 400, 800, 1_600];

/** @param {Response} reply @returns {Promise<Problem>} */
async function problemOf(reply) {
  const body = await reply.json().catch(() => ({}));
  const wait = Number(reply.headers.get("retry-after")) * 1000;
  return new Problem(reply.status, body, wait || 0);
}

/**
 * @param {string} url
 * @param {RequestInit} request
 * @returns {Promise<any>}
 */
async function ask(url, request) {
  let reply;
  try {
    const limit = request.method === "POST" ? TIMEOUT_MS : READ_TIMEOUT_MS;
    reply = await fetch(url, { ...request, signal: AbortSignal.timeout(limit) });
  } catch {
    throw new Unreachable();
  }
  if (!reply.ok) throw await problemOf(reply);
  return reply.status === 204 ? null : reply.json();
}

/** @param {unknown} failure */
const worthRetrying = (failure) =>
  failure instanceof Unreachable || (failure instanceof Problem && failure.status >= 500);

export class Api {
  /** @param {string} interviewId */
  constructor(interviewId) {
    this.root = `/api/v1/interviews/${interviewId}`;
  }

  /** @returns {Promise<Interview>} */
  status() {
    return ask(this.root, { cache: "no-store" });
  }

  /**
   * A page is made from the saved state, which follows a reply within moments: waits for it, so that
   * the next page is the right one. Gives up quietly; the page then shows what is saved.
   * @param {(interview: Interview) => boolean} arrived
   */
  async saved(arrived) {
    for (const wait of SAVED_MS) {
      const interview = await this.status().catch(() => null);
      if (interview && arrived(interview)) return;
      await pause(wait);
    }
  }

  /** Before the next page is opened: the reply of `call`, saved. @param {Promise<Interview>} call */
  async settled(call) {
    const { state_version: reached } = await call;
    await this.saved((interview) => interview.state_version >= reached);
  }

  /** @returns {Promise<{turns: Turn[], complete: boolean}>} */
  transcript() {
    return ask(`${this.root}/transcript`, { headers: { accept: "application/json" } });
  }

  events() {
    return new EventSource(`${this.root}/events`);
  }

  /** Where fresh tokens for the room are told to whoever holds it. @param {number} admission */
  socket(admission) {
    const url = new URL(`${this.root}/socket?admission=${admission}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return new WebSocket(url);
  }

  /**
   * @param {string} verb
   * @param {object} body
   * @param {number[]} waits
   */
  async post(verb, body, waits = RETRY_MS) {
    const request = {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": newId() },
      body: JSON.stringify(body),
    };
    for (const wait of waits) {
      try {
        return await ask(`${this.root}/${verb}`, request);
      } catch (failure) {
        if (!worthRetrying(failure)) throw failure;
        await pause(wait);
      }
    }
    return ask(`${this.root}/${verb}`, request);
  }

  /** @param {string} textVersion @returns {Promise<Interview>} */
  consent(textVersion) {
    return this.post("consent", { text_version: textVersion });
  }

  /** @returns {Promise<Interview>} */
  decline() {
    return this.post("decline", {});
  }

  /** The caller offers again by itself: an offer is never sent twice. @param {string} sdp @returns {Promise<Answered>} */
  join(sdp) {
    return this.post("join", { sdp, type: "offer", purpose: "interview" }, []);
  }

  /** Into the interview's LiveKit room. @returns {Promise<Admitted>} */
  enter() {
    return this.post("join", { purpose: "interview" }, []);
  }

  /** @param {string} tabId @returns {Promise<{epoch: number}>} */
  joinTyping(tabId) {
    return this.post("join", { purpose: "typing", tab: tabId });
  }

  /** @param {string} sdp @returns {Promise<Answered>} */
  check(sdp) {
    return this.post("check", { sdp, type: "offer" }, []);
  }

  /** @returns {Promise<Admitted>} */
  enterCheck() {
    return this.post("check", { type: "offer" }, []);
  }

  /** @param {CurrentQuestion} question @param {string} text @param {string} turnId */
  answer(question, text, turnId) {
    const { question_id, revision } = question;
    return this.post("answers", { question_id, revision, text, turn_id: turnId });
  }

  /**
   * @param {"skip" | "back" | "pause" | "resume" | "finish"} verb
   * @param {string | undefined} questionId the question the candidate sees
   * @returns {Promise<Interview>}
   */
  move(verb, questionId) {
    return this.post(verb, questionId ? { question_id: questionId } : {});
  }
}
