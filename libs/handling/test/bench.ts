/** One log, any number of services on it, a clock that moves when it is told to: what the specs of the runtime are told with. */
import type { ServiceName, StoredEvent } from '@baton/contracts';
import type { DeadLetters, EventLog, EventDelivery } from '@baton/ports';
import { memoryRecord, virtualTime } from '@baton/simulation';
import { base, deliveryOf, MISSION, task } from '@baton/testing';
import { hash } from 'node:crypto';
import { noInstruments } from '../src/instruments.ts';
import type { ServiceDefinition } from '../src/definition.ts';
import { createService, type ServiceRuntime } from '../src/service.ts';

/** Lets everything run that waits for nothing. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function bench() {
  const time = virtualTime();
  const { log, deadLetters } = memoryRecord({ now_ms: time.now_ms, sha256: (bytes) => hash('sha256', bytes, 'buffer') });
  const faults: string[] = [];
  const failed: string[] = [];
  const requests_refused: unknown[] = [];
  const taken_over: string[] = [];
  let holders = 0;
  // What these specs deliver is of other services' streams, which nobody has written here.
  const unasked: EventLog = { ...log, append: (append) => log.append({ ...append, answers: undefined }) };
  return {
    log: unasked,
    /** Looks at what is answered, as the real one does. */
    asking: log,
    dead_letters: deadLetters,
    faults,
    /** Deadlines that could not be taken over. */
    failed,
    /** From outside, over the bus. */
    requests_refused,
    /** Kinds of work whose holder was gone. */
    taken_over,
    service(
      definition: ServiceDefinition,
      options: { readonly log?: Partial<EventLog>; readonly dead_letters?: Partial<DeadLetters>; readonly slots?: number } = {},
    ): ServiceRuntime {
      return createService(definition, {
        log: { ...unasked, ...options.log },
        dead_letters: { ...deadLetters, ...options.dead_letters },
        holder: `${definition.name}-${++holders}`,
        slots: options.slots ?? 2,
        timers: time.timersOf(() => true),
        instruments: {
          ...noInstruments,
          deadlineFailed: (stream, key, error) => void failed.push(`${key} of ${stream}: ${(error as Error).message}`),
          requestRefused: (request) => void requests_refused.push(request),
          workTakenOver: (kind) => void taken_over.push(kind),
          fault: (what, error) => void faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`),
        },
      });
    },
    /** Time passes timer by timer, and what each of them starts runs before the next. */
    async pass(ms: number): Promise<void> {
      const to_ms = time.now_ms() + ms;
      for (;;) {
        await settled();
        if (time.fireOne()) continue;
        const next = time.nextTimer();
        if (next === null || next > to_ms) break;
        time.advance(next);
      }
      time.advance(to_ms);
      await settled();
    },
    types: async (stream?: string): Promise<string[]> =>
      (stream === undefined ? await log.readAfter(0, 1_000) : await log.load(stream)).map(({ type }) => type),
  };
}

const CONSUMER = {
  executor: 'executor-start',
  planner: 'planner-react',
  reviewer: 'reviewer-react',
  intake: 'intake-react',
  release: 'release-react',
  approval: 'approval-react',
} as const;

export const delivered = (service: keyof typeof CONSUMER & ServiceName, stored: StoredEvent, deliveries = 1): EventDelivery =>
  deliveryOf(stored, CONSUMER[service], deliveries);

/** As the planner has recorded it: the executor is to start a task. */
export const taskReady = (position: number, id: string): StoredEvent => ({
  position,
  stream: `plan-${MISSION}`,
  version: position,
  id: `00000000-0000-5000-8000-${String(position).padStart(12, '0')}`,
  type: 'TaskReady',
  recorded_at: '2026-11-21T00:00:00.000000Z',
  meta: JSON.stringify({
    schema_version: 1,
    correlation_id: MISSION,
    causation_id: 'cause',
    actor: { kind: 'service', id: 'planner' },
  }),
  data: JSON.stringify({ mission_id: MISSION, task: task(id), base }),
  hash: '',
});
