/** The only way a spec waits: until something is so, and no longer than it may take. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Eventually {
  readonly within_ms: number;
  /** Said when the time is over. */
  readonly what?: string | undefined;
}

const POLL_MS_MIN = 2;
const POLL_MS_MAX = 50;

/**
 * Calls `check` until it neither throws nor answers false, null or undefined, and returns its answer. When the time is
 * over, throws with the last thing `check` threw or answered.
 */
export async function eventually<Answer>(
  check: () => Answer | Promise<Answer>,
  { within_ms, what = 'what was waited for' }: Eventually,
): Promise<Exclude<Answer, false | null | undefined | void>> {
  const deadline = performance.now() + within_ms;
  for (let poll_ms = POLL_MS_MIN; ; poll_ms = Math.min(poll_ms * 2, POLL_MS_MAX)) {
    const last = await attempt(check);
    if (last.ok) return last.answer as Exclude<Answer, false | null | undefined | void>;
    if (performance.now() + poll_ms > deadline) {
      throw new Error(`${what} was not so within ${within_ms} ms; the last check ${last.said}`, { cause: last.cause });
    }
    await delay(poll_ms);
  }
}

type Attempt =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly said: string; readonly cause: unknown };

async function attempt(check: () => unknown): Promise<Attempt> {
  try {
    const answer = await check();
    if (answer !== false && answer !== null && answer !== undefined) return { ok: true, answer };
    return { ok: false, said: `answered ${String(answer)}`, cause: undefined };
  } catch (cause) {
    return { ok: false, said: `threw: ${cause instanceof Error ? cause.message : String(cause)}`, cause };
  }
}
