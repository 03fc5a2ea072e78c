/** Deadlines that have passed: taken over from whoever had them, decided, and cleared where they mean nothing any more. */
import { SERVICES, type Category } from '@baton/contracts';
import { LEASE_MS } from '@baton/domain';
import type { DueDeadline, EventLog } from '@baton/ports';
import type { Decided, Request } from './decided.ts';
import { serviceActor, type Instruments } from './instruments.ts';
import type { ServiceDefinition } from './definition.ts';
import type { Streams } from './streams.ts';
import type { Workers } from './work.ts';

export interface TakingOver {
  readonly name: ServiceDefinition['name'];
  readonly log: EventLog;
  readonly holder: string;
  readonly streams: Streams;
  readonly team: Pick<Workers, 'isWorking' | 'start'>;
  readonly submit: (request: Request) => Promise<Decided>;
  readonly instruments: Pick<Instruments, 'deadlineFailed' | 'workTakenOver'>;
}

/** Takes over at most so many that are due; resolves to how many there were. */
export function sweeper({ name, log, holder, streams, team, submit, instruments }: TakingOver) {
  const categories: readonly Category[] = SERVICES[name].appends;

  const takeOver = async ({ stream, key, last_holder }: DueDeadline): Promise<void> => {
    streams.forget(stream);
    const { last_event_id, correlation_id, traceparent } = await streams.get(stream);
    const decided = await submit({
      stream,
      command: { type: 'DeadlinePassed', key, last_holder },
      causation_id: `deadline:${key}:${last_event_id}`,
      correlation_id,
      actor: serviceActor(name),
      traceparent,
    });
    if (decided.status === 'appended') return;
    const waiting = 'waiting' in decided ? decided.waiting : null;
    if (waiting?.key !== key) await log.clearDeadline(stream, key);
    else if (waiting.work) {
      instruments.workTakenOver(waiting.work);
      await team.start(stream, key);
    }
  };

  return async (limit: number): Promise<number> => {
    if (limit === 0 || categories.length === 0) return 0;
    const due = await log.claimDue({ categories, holder, hold_ms: LEASE_MS, limit });
    await Promise.all(
      due.map(async (deadline) => {
        if (team.isWorking(deadline.stream)) return;
        // One stream that cannot be read must not hide the others; it is due again when its hold runs out.
        await takeOver(deadline).catch((error: unknown) => instruments.deadlineFailed(deadline.stream, deadline.key, error));
      }),
    );
    return due.length;
  };
}
