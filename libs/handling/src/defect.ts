/** Errors of the code, the history or the content: trying again cannot help, though a newer release may. Everything else is a missing store. */
import { UnreadableEvent, type FailureClass } from '@baton/contracts';
import { BrokenInvariant } from '@baton/domain';

/** The log takes no event of this size, and will not take it later: who asked has to ask for less. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}

/** SQLSTATE classes of a store that says no to the content itself (22: what text cannot hold, 54: too much of it). */
const CONTENT_REFUSED = /^(?:22|54)[0-9A-Z]{3}$/;

const isContentRefused = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && CONTENT_REFUSED.test(error.code);

export const isDefect = (error: unknown): boolean =>
  error instanceof BrokenInvariant ||
  error instanceof EventTooLarge ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  error instanceof UnreadableEvent ||
  isContentRefused(error);

/** What work failed by: as the error says itself, or else by what it is. */
export function failureClassOf(error: unknown): FailureClass {
  const named = (error as { failure_class?: unknown } | null | undefined)?.failure_class;
  if (named === 'semantic' || named === 'policy' || named === 'transient') return named;
  // Doing it once more would only cost once more.
  return isDefect(error) ? 'semantic' : 'transient';
}
