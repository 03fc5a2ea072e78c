/** Errors of the code or the history: trying again cannot help, though a newer release may. Everything else is a missing store. */
import { UnreadableEvent } from '@baton/contracts';
import { BrokenInvariant } from '@baton/domain';

export const isDefect = (error: unknown): boolean =>
  error instanceof BrokenInvariant ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  error instanceof UnreadableEvent;
