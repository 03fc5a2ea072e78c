/** What is asked of a stream, and what came of it. */
import type { Actor, BatonEvent } from '@baton/contracts';
import type { Waiting } from '@baton/domain';
import type { RecordedEvent } from '@baton/ports';

export interface Request {
  readonly stream: string;
  readonly command: unknown;
  readonly causation_id: string;
  readonly correlation_id: string;
  readonly actor: Actor;
  readonly traceparent?: string | undefined;
  /** The event it is the answer to, where that came over the bus. */
  readonly answers?: RecordedEvent | undefined;
}

export type Decided =
  | {
      readonly status: 'appended';
      readonly events: readonly BatonEvent[];
      readonly state: unknown;
      readonly waiting: Waiting | null;
    }
  /** It was so already; nothing was written. */
  | { readonly status: 'already'; readonly state: unknown; readonly waiting: Waiting | null }
  | { readonly status: 'refused'; readonly reason: string; readonly state: unknown };
