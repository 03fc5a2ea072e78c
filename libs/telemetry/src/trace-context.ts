/**
 * W3C trace context without an SDK: parse it, make one, and know which one is active. It travels in events and headers
 * whether or not anybody records spans, so that switching an exporter on shows whole traces at once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether it is a traceparent of version 00 that may be passed on. */
export const isTraceparent = (text: string | undefined): text is string => text !== undefined && TRACEPARENT.test(text);

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const spanIdOf = (traceparent: string): string => traceparent.slice(36, 52);

/** A new trace that nobody records. Random bytes that are all zero are not a valid id; the odds (2^-64) are left to fate. */
export function newTraceparent(): string {
  const hex = randomBytes(24).toString('hex');
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
}

const active = new AsyncLocalStorage<string>();

/** The traceparent of the span we are in; undefined outside of any. */
export const activeTraceparent = (): string | undefined => active.getStore();

/** Runs `work` with this traceparent as the active one. */
export const withTraceparent = <T>(traceparent: string, work: (traceparent: string) => T): T =>
  active.run(traceparent, work, traceparent);
