/** What the runtime tells whoever watches it. The host connects it to OpenTelemetry and Prometheus; tests and simulation need none. */
import type { Actor, Category } from '@baton/contracts';

export interface SpanAttributes {
  readonly mission_id: string;
  readonly stream?: string;
  readonly event_id?: string;
  readonly event_type?: string;
  readonly consumer?: string;
  readonly position?: number;
}

export interface Instruments {
  /** Runs `fn` inside a span that continues `parent`; hands it the trace context for what it appends. */
  span<T>(
    name: string,
    attributes: SpanAttributes,
    parent: string | undefined,
    fn: (traceparent: string | undefined) => Promise<T>,
  ): Promise<T>;
  handled(consumer: string, result: 'ack' | 'nak' | 'dead-letter' | 'discarded', seconds: number): void;
  appended(category: Category, events: number): void;
  refused(stream: string, command: string, reason: string): void;
  /** What was asked for over the bus: nobody answers whoever asked, so somebody has to be told. */
  requestRefused(request: { readonly name: string; readonly id: string; readonly stream: string; readonly reason: string }): void;
  workStarted(kind: string): void;
  workEnded(kind: string, outcome: 'done' | 'failed' | 'aborted', seconds: number): void;
  /** Work whose holder is gone, and that changed nothing but the holder: what is lost and has an event of its own is not told. */
  workTakenOver(kind: string): void;
  deadLettered(consumer: string, reason: string, cause: string): void;
  /** What a deadline leads to could not be done; it is due again when the claim of it runs out. */
  deadlineFailed(stream: string, key: string, error: unknown): void;
  /** Something that will be tried again: for the log, with what and why. */
  fault(what: string, error: unknown): void;
}

export const noInstruments: Instruments = {
  span: (_name, _attributes, parent, fn) => fn(parent),
  handled: () => {},
  appended: () => {},
  refused: () => {},
  requestRefused: () => {},
  workStarted: () => {},
  workEnded: () => {},
  workTakenOver: () => {},
  deadLettered: () => {},
  deadlineFailed: () => {},
  fault: () => {},
};

export const serviceActor = (name: string): Actor => ({ kind: 'service', id: name });
