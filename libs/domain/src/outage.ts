/** What may pass by itself is waited for: longer each time it is met again, and not for ever. */

/** Wait after the first failure; doubles with each further one. */
const OUTAGE_WAIT_MS = 5_000;
const OUTAGE_WAIT_MS_MAX = 5 * 60_000;
/** All waits of one outage together: longer than a host's bad day, shorter than anybody would take it for work. A mission's own time may end it before. */
export const OUTAGE_MS_MAX = 12 * 3_600_000;

/** What an outage has cost so far; absent where there is none. */
export interface Outage {
  /** Failures in a row. */
  readonly failures: number;
  /** The waits that followed them. */
  readonly waited_ms: number;
}

/** The outage with one more failure, and how long to wait now; null = it was waited for long enough. */
export function nextWait(outage: Outage | undefined): (Outage & { readonly after_ms: number }) | null {
  const { failures, waited_ms } = outage ?? { failures: 0, waited_ms: 0 };
  const left_ms = OUTAGE_MS_MAX - waited_ms;
  if (left_ms <= 0) return null;
  const after_ms = Math.min(OUTAGE_WAIT_MS * 2 ** failures, OUTAGE_WAIT_MS_MAX, left_ms);
  return { failures: failures + 1, waited_ms, after_ms };
}
