/**
 * Long work never holds a message: it runs under a lease (a deadline that its holder pushes back) and reports by a command.
 * One worker per stream at a time; it goes on until the stream's state asks for no more work. Whoever loses the lease stops.
 */
import type { Waiting } from '@baton/domain';
import type { EventLog } from '@baton/ports';
import type { Decided } from './decide-and-append.ts';
import type { Instruments } from './instruments.ts';
import type { Known } from './streams.ts';

/** Tries of one piece of work within one holder, before its failure is recorded. */
const TRIES_MAX = 3;
const TRY_AGAIN_MS = 500;
/** A lease is pushed back this often within its time. */
const HEARTBEATS_PER_LEASE = 4;

export interface Work {
  readonly stream: string;
  readonly mission_id: string;
  /** The state of the stream when the work began; typed by the performer's service. */
  readonly state: unknown;
  readonly key: string;
  readonly signal: AbortSignal;
  /** Reports; resolves when it is committed. */
  readonly submit: (command: unknown) => Promise<Decided>;
}
export type Performer = (work: Work) => Promise<void>;

export interface Workers {
  start(stream: string): void;
  /** Somebody appended to the stream: work for a state that is gone is aborted. */
  changed(stream: string, waiting: Waiting | null): void;
  isWorking(stream: string): boolean;
  freeSlots(): number;
  running(): number;
  onSlotFree(listener: () => void): () => void;
  stop(grace_ms: number): Promise<void>;
}

interface Running {
  key: string;
  readonly controller: AbortController;
  done: Promise<void>;
}

export interface WorkersOptions {
  readonly slots: number;
  readonly holder: string;
  readonly log: EventLog;
  readonly instruments: Instruments;
  readonly performers: Readonly<Record<string, Performer>>;
  readonly current: (stream: string) => Promise<Known & { readonly waiting: Waiting | null }>;
  readonly submit: (stream: string, command: unknown, traceparent: string | undefined) => Promise<Decided>;
}

const failureClass = (error: unknown): 'transient' | 'semantic' | 'policy' => {
  const named = (error as { failure_class?: unknown }).failure_class;
  return named === 'semantic' || named === 'policy' ? named : 'transient';
};

export function workers(options: WorkersOptions): Workers {
  const working = new Map<string, Running>();
  const queue: string[] = [];
  const listeners = new Set<() => void>();
  let stopping = false;
  let busy = 0;

  const begin = (stream: string): void => {
    busy++;
    const running = working.get(stream)!;
    running.done = workOn(options, stream, running).finally(() => {
      busy--;
      working.delete(stream);
      const next = queue.shift();
      if (next !== undefined && !stopping) begin(next);
      else for (const listener of listeners) listener();
    });
  };

  return {
    start(stream) {
      if (stopping || working.has(stream)) return;
      working.set(stream, { key: '', controller: new AbortController(), done: Promise.resolve() });
      if (busy < options.slots) begin(stream);
      else queue.push(stream);
    },
    changed(stream, waiting) {
      const running = working.get(stream);
      if (running && running.key !== '' && running.key !== waiting?.key) running.controller.abort(new Error(`${stream} moved on`));
    },
    isWorking: (stream) => working.has(stream),
    freeSlots: () => (stopping ? 0 : Math.max(0, options.slots - busy - queue.length)),
    running: () => busy,
    onSlotFree(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop(grace_ms) {
      stopping = true;
      const all = Promise.allSettled([...working.values()].map((running) => running.done));
      const abort = setTimeout(() => {
        for (const running of working.values()) running.controller.abort(new Error('the service stops'));
      }, grace_ms);
      await all;
      clearTimeout(abort);
    },
  };
}

async function workOn(options: WorkersOptions, stream: string, running: Running): Promise<void> {
  let tries = 0;
  let last_key = '';
  for (;;) {
    const known = await again(options, running.controller.signal, () => options.current(stream));
    const kind = known?.waiting?.work;
    const performer = kind && options.performers[kind];
    if (!known || !kind || !performer || running.controller.signal.aborted) return;
    const { key } = known.waiting!;
    tries = key === last_key ? tries + 1 : 1;
    last_key = key;
    running.key = key;
    const failure = await tryOnce(options, stream, running, known, known.waiting!, performer);
    if (running.controller.signal.aborted) return giveBack(options, stream, key);
    if (failure === null) continue;
    const failure_class = failureClass(failure);
    if (failure_class === 'transient' && tries < TRIES_MAX) {
      await pause(TRY_AGAIN_MS * tries, running.controller.signal);
      continue;
    }
    const cause = `${(failure as Error).message}${tries > 1 ? ` (tried ${tries} times)` : ''}`;
    running.key = '';
    const decided = await again(options, running.controller.signal, () => options.submit(stream, { type: 'WorkFailed', key, failure_class, cause }, known.traceparent));
    if (decided?.status !== 'appended') return;
  }
}

/** Runs the performer once under a heartbeat; null = it reported, otherwise why it could not. */
async function tryOnce(options: WorkersOptions, stream: string, running: Running, known: Known, waiting: Waiting, performer: Performer): Promise<unknown> {
  const { instruments } = options;
  const { controller } = running;
  const kind = waiting.work!;
  const started = performance.now();
  const heartbeat = setInterval(() => void beat(options, stream, running, waiting.after_ms), waiting.after_ms / HEARTBEATS_PER_LEASE);
  instruments.workStarted(kind);
  let outcome: 'done' | 'failed' | 'aborted' = 'failed';
  try {
    let reported = false;
    await instruments.span(`perform ${kind}`, { mission_id: known.correlation_id, stream }, known.traceparent, (traceparent) =>
      performer({
        stream,
        mission_id: known.correlation_id,
        state: known.state,
        key: waiting.key,
        signal: controller.signal,
        submit: async (command) => {
          // The append moves the lease to the next state's key: from here on the heartbeat must not miss the old one.
          running.key = '';
          const decided = await options.submit(stream, command, traceparent);
          reported = true;
          if ('waiting' in decided) running.key = decided.waiting?.work ? decided.waiting.key : '';
          return decided;
        },
      }),
    );
    if (!reported) throw new Error(`the performer of ${kind} ended without a report`);
    outcome = 'done';
    return null;
  } catch (error) {
    if (controller.signal.aborted) outcome = 'aborted';
    else instruments.fault(`${kind} of ${stream}`, error);
    return error;
  } finally {
    clearInterval(heartbeat);
    instruments.workEnded(kind, outcome, (performance.now() - started) / 1_000);
  }
}

async function beat(options: WorkersOptions, stream: string, running: Running, after_ms: number): Promise<void> {
  const { key, controller } = running;
  if (key === '' || controller.signal.aborted) return;
  try {
    const kept = await options.log.extend({ stream, key, holder: options.holder, after_ms });
    if (!kept && running.key === key) controller.abort(new Error(`lease ${key} of ${stream} is lost`));
  } catch (error) {
    // The lease may run out before the store answers again; whoever takes over makes this one's report stale.
    options.instruments.fault(`lease ${key} of ${stream}`, error);
  }
}

/** Work that stops without a report is due at once, for whoever is there. */
async function giveBack(options: WorkersOptions, stream: string, key: string): Promise<void> {
  try {
    await options.log.extend({ stream, key, holder: options.holder, after_ms: 0 });
  } catch (error) {
    options.instruments.fault(`giving back ${key} of ${stream}`, error);
  }
}

/** Until it works or the signal says stop (then undefined): for what only a missing store can make fail. */
async function again<T>(options: WorkersOptions, signal: AbortSignal, job: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      return await job();
    } catch (error) {
      options.instruments.fault('the log', error);
      await pause(Math.min(TRY_AGAIN_MS * tries, 5_000), signal);
    }
  }
  return undefined;
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
