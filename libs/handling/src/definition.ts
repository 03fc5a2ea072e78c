/** What makes one service differ from another; everything else is the same code. */
import type { InboundName, ServiceName } from '@baton/contracts';
import type { InboundDelivery } from '@baton/ports';
import type { Request } from './decided.ts';
import type { Performer } from './work.ts';

export interface ServiceDefinition {
  readonly name: ServiceName;
  /** Completes a command with what only this service can look up, right before deciding; by command type. */
  readonly prepare?: Readonly<Record<string, (command: never) => unknown>>;
  /** Does the work that a state asks for; by `Waiting.work`. */
  readonly perform?: Readonly<Record<string, Performer>>;
  /** Which of it touches nothing outside and takes milliseconds: done before the append, which records its report as well. */
  readonly at_once?: Readonly<Record<string, (state: never) => boolean>>;
  /** Turns a request from outside into commands. Throws InvalidRequest. */
  readonly inbound?: Partial<Readonly<Record<InboundName, (body: unknown, delivery: InboundDelivery) => readonly Request[]>>>;
}
