/** Waiting for what a service needs, for as long as it takes, and saying so in a way that helps at three in the morning. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@baton/telemetry';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
const ANNOUNCE_MS = 5_000;

export interface WaitOptions<T> {
  /** `Postgres`, `NATS`. */
  readonly what: string;
  /** Host and port and name: no user, no password. */
  readonly where: string;
  /** What to look at if it takes long. */
  readonly check: string;
  readonly attempt: () => Promise<T>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly announce_ms?: number;
}

/** Tries until it works; rejects only when aborted. */
export async function waitFor<T>({
  what,
  where,
  check,
  attempt,
  logger,
  signal,
  announce_ms = ANNOUNCE_MS,
}: WaitOptions<T>): Promise<T> {
  const started = performance.now();
  const waited_s = (): number => Math.round((performance.now() - started) / 100) / 10;
  let last: unknown = null;
  const announce = setInterval(
    () => logger.warn({ what, where, waited_s: waited_s(), cause: causeOf(last), check }, 'waiting'),
    announce_ms,
  );
  try {
    for (let tries = 1; ; tries++) {
      try {
        const found = await abortable(attempt(), signal);
        logger.info({ what, where, waited_s: waited_s() }, 'connected');
        return found;
      } catch (error) {
        if (signal.aborted) throw error;
        if (last === null) logger.warn({ what, where, waited_s: waited_s(), cause: causeOf(error), check }, 'waiting');
        last = error;
        await delay(Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (tries - 1)), undefined, { signal });
      }
    }
  } finally {
    clearInterval(announce);
  }
}

/** An attempt that cannot be called off is left behind. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error('stopped while waiting', { cause: signal.reason }));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

/** Node hides the reason of a failed connection in an AggregateError without a message. */
function causeOf(error: unknown): string {
  if (error === null) return 'no answer yet';
  if (error instanceof AggregateError) return error.errors.map(causeOf).join('; ');
  return error instanceof Error ? error.message || error.name : JSON.stringify(error);
}

/** Scheme, host, port and path of a URL (or of several with commas): what may be shown of it. */
export function whereOf(urls: string): string {
  return urls
    .split(',')
    .map((url) => url.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, ''))
    .join(', ');
}
