/**
 * Work that touches nothing outside and takes milliseconds is done before its stream is written, and what it reports is
 * recorded in the same append: one commit instead of two. Whatever else becomes of it, the intent alone is appended, and
 * the work is done under its lease like any other.
 */
import type { Waiting } from '@baton/domain';
import type { Decided } from './decided.ts';
import type { Instruments } from './instruments.ts';
import type { Known } from './streams.ts';
import type { Timers } from './timers.ts';
import type { Performer } from './work.ts';

/** What takes longer than this is no work of milliseconds. */
const AT_ONCE_MS_MAX = 1_000;

export interface Report {
  readonly command: unknown;
  readonly traceparent: string | undefined;
  /** Tells the performer what became of its report: `null` = it was not recorded. */
  settle(decided: Decided | null): void;
}

/** Does the work that a state waits for, if it can be done at once; resolves to its report, or null where there is none. Never rejects. */
export type AtOnce = (stream: string, known: Known, waiting: Waiting) => Promise<Report | null>;

export interface AtOnceOptions {
  readonly performers: Readonly<Record<string, Performer>>;
  /** By `Waiting.work`: whether the work of this state touches nothing outside and takes milliseconds. */
  readonly at_once: Readonly<Record<string, (state: never) => boolean>>;
  readonly instruments: Instruments;
  readonly timers: Timers;
}

export function atOnce({ performers, at_once, instruments, timers }: AtOnceOptions): AtOnce {
  return async (stream, known, { work: kind, key }) => {
    const performer = kind === undefined ? undefined : performers[kind];
    if (kind === undefined || !performer || at_once[kind]?.(known.state as never) !== true) return null;
    const { correlation_id: mission_id, traceparent: parent, state } = known;
    const reported = Promise.withResolvers<Report | null>();
    const controller = new AbortController();
    const started_ms = timers.now_ms();
    instruments.workStarted(kind);
    const perform = (traceparent: string | undefined): Promise<void> => {
      const submit = (command: unknown): Promise<Decided> =>
        new Promise((resolve, reject) => {
          const settle = (decided: Decided | null): void =>
            decided ? resolve(decided) : reject(new Error(`what ${kind} of ${stream} reported was not recorded`));
          if (controller.signal.aborted) settle(null);
          else reported.resolve({ command, traceparent, settle });
        });
      return performer({ stream, mission_id, state, key, signal: controller.signal, submit });
    };
    const cancel = timers.after(AT_ONCE_MS_MAX, () => {
      controller.abort(new Error(`${kind} of ${stream} took longer than ${AT_ONCE_MS_MAX} ms`));
      reported.resolve(null);
    });
    const ended = (outcome: 'done' | 'failed'): void => {
      reported.resolve(null);
      instruments.workEnded(kind, outcome, (timers.now_ms() - started_ms) / 1_000);
    };
    instruments.span(`perform ${kind}`, { mission_id, stream }, parent, perform).then(
      () => ended('done'),
      (error: unknown) => {
        instruments.fault(`${kind} of ${stream}, at once`, error);
        ended('failed');
      },
    );
    const report = await reported.promise;
    cancel();
    return report;
  };
}
