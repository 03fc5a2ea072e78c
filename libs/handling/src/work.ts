/**
 * Long work never holds a message: it runs under a lease (a deadline that its holder pushes back) and reports by a command.
 * One worker per stream at a time; it goes on until the stream's state asks for no more work. Whoever loses the lease stops.
 */
import type { Waiting } from '@baton/domain';
import type { EventLog } from '@baton/ports';
import { again } from './again.ts';
import type { Decided } from './decided.ts';
import { failureClassOf } from './defect.ts';
import type { Instruments } from './instruments.ts';
import type { Known } from './streams.ts';
import { every, pause, type Timers } from './timers.ts';

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
  /**
   * `leased`: the key whose lease this process has just been given, by an append or a claim of its own. Where nothing is begun
   * any more, it resolves when the lease is given back.
   */
  start(stream: string, leased: string): Promise<void>;
  /** Somebody appended to the stream: work for a state that is gone is aborted. */
  changed(stream: string, waiting: Waiting | null): void;
  isWorking(stream: string): boolean;
  freeSlots(): number;
  running(): number;
  onSlotFree(listener: () => void): () => void;
  stop(grace_ms: number): Promise<void>;
}

interface Running {
  /** Whose lease the heartbeat keeps; empty while there is nothing to keep. */
  key: string;
  /** The last lease that was worked under: what is given back when the work is aborted. */
  held: string;
  /** Asked for again while it ran: looked at once more at its end, or a state that came right then would be missed. */
  wanted: boolean;
  /** The lease that this process was given last, and when. */
  leased: { readonly key: string; readonly at_ms: number };
  readonly controller: AbortController;
  done: Promise<void>;
}

type Current = Known & { readonly waiting: Waiting | null };

export interface WorkersOptions {
  readonly slots: number;
  readonly holder: string;
  readonly log: EventLog;
  readonly instruments: Instruments;
  readonly timers: Timers;
  readonly performers: Readonly<Record<string, Performer>>;
  readonly current: (stream: string) => Promise<Current>;
  readonly submit: (stream: string, command: unknown, traceparent: string | undefined) => Promise<Decided>;
}

export function workers(options: WorkersOptions): Workers {
  const working = new Map<string, Running>();
  const queue: string[] = [];
  const listeners = new Set<() => void>();
  let stopping = false;
  let busy = 0;

  const begin = (stream: string): void => {
    busy++;
    const running = working.get(stream)!;
    running.wanted = false;
    const ended = async (): Promise<void> => {
      busy--;
      working.delete(stream);
      const wanted = running.wanted ? start(stream, '') : undefined;
      while (!stopping && busy < options.slots && queue.length > 0) begin(queue.shift()!);
      if (freeSlots() > 0) for (const listener of listeners) listener();
      await wanted;
    };
    running.done = workOn(options, stream, running)
      .catch((error: unknown) => options.instruments.fault(`work on ${stream}`, error))
      .then(ended);
  };
  const start = async (stream: string, leased: string): Promise<void> => {
    const already = working.get(stream);
    if (already) already.wanted = true;
    if (already) return;
    // Committed while the service was told to stop: without this it would count as lost when the lease runs out.
    if (stopping) return giveBackQueued(options, stream);
    working.set(stream, {
      key: '',
      held: '',
      wanted: false,
      leased: { key: leased, at_ms: options.timers.now_ms() },
      controller: new AbortController(),
      done: Promise.resolve(),
    });
    if (busy < options.slots) begin(stream);
    else queue.push(stream);
  };
  const freeSlots = (): number => (stopping ? 0 : Math.max(0, options.slots - busy - queue.length));

  return {
    start,
    changed(stream, waiting) {
      const running = working.get(stream);
      if (running && running.key !== '' && running.key !== waiting?.key)
        running.controller.abort(new Error(`${stream} moved on`));
    },
    isWorking: (stream) => working.has(stream),
    freeSlots,
    running: () => busy,
    onSlotFree(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop(grace_ms) {
      stopping = true;
      const queued = queue.splice(0).map(async (stream) => {
        working.delete(stream);
        await giveBackQueued(options, stream);
      });
      const all = Promise.allSettled([...queued, ...[...working.values()].map((running) => running.done)]);
      const cancel = options.timers.after(grace_ms, () => {
        for (const running of working.values()) running.controller.abort(new Error('the service stops'));
      });
      await all;
      cancel();
    },
  };
}

async function workOn(options: WorkersOptions, stream: string, running: Running): Promise<void> {
  await goOn(options, stream, running);
  if (running.controller.signal.aborted && running.held !== '') await giveBack(options, stream, running.held);
}

/** From one state that asks for work to the next, as long as this process holds the lease. */
async function goOn(options: WorkersOptions, stream: string, running: Running): Promise<void> {
  const { signal } = running.controller;
  let tries = 0;
  while (!signal.aborted) {
    const known = await again(options, signal, () => options.current(stream));
    const waiting = known?.waiting;
    const performer = waiting?.work === undefined ? undefined : options.performers[waiting.work];
    if (!known || !waiting || !performer) return;
    const { key } = waiting;
    tries = key === running.held ? tries + 1 : 1;
    if (!(await holdsLease(options, stream, running, waiting))) return;
    running.key = key;
    running.held = key;
    const failure = await tryOnce(options, stream, running, known, waiting, performer);
    running.key = '';
    if (signal.aborted) return;
    if (failure === null) continue;
    const failure_class = failureClassOf(failure);
    if (failure_class === 'transient' && tries < TRIES_MAX) {
      await pause(options.timers, TRY_AGAIN_MS * tries, signal);
      continue;
    }
    const cause = `${messageOf(failure)}${tries > 1 ? ` (tried ${tries} times)` : ''}`;
    const decided = await again(options, signal, () =>
      options.submit(stream, { type: 'WorkFailed', key, failure_class, cause }, known.traceparent),
    );
    if (decided?.status !== 'appended') return;
  }
}

/** What waited for a slot, or what somebody else's report led to, may be another process's by now; what was given just now is not. */
async function holdsLease(
  options: WorkersOptions,
  stream: string,
  running: Running,
  { key, after_ms }: Waiting,
): Promise<boolean> {
  const { leased } = running;
  if (leased.key === key && options.timers.now_ms() - leased.at_ms < after_ms / HEARTBEATS_PER_LEASE) return true;
  const extend = (): Promise<boolean> => options.log.extend({ stream, key, holder: options.holder, after_ms });
  return (await again(options, running.controller.signal, extend)) ?? false;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs the performer once under a heartbeat; null = what it reported moved the stream on, otherwise why it could not. */
async function tryOnce(
  options: WorkersOptions,
  stream: string,
  running: Running,
  known: Current,
  waiting: Waiting,
  performer: Performer,
): Promise<unknown> {
  const { instruments } = options;
  const { signal } = running.controller;
  const kind = waiting.work!;
  const started = performance.now();
  const stopBeating = every(
    options.timers,
    waiting.after_ms / HEARTBEATS_PER_LEASE,
    () => void beat(options, stream, running, waiting.after_ms),
  );
  instruments.workStarted(kind);
  let outcome: 'done' | 'failed' | 'aborted' = 'failed';
  let reported: Decided | null = null;
  const submit = async (command: unknown, traceparent: string | undefined): Promise<Decided> => {
    // The append moves the lease to the next state's key: meanwhile the heartbeat must not miss the old one.
    const { key } = running;
    running.key = '';
    // What was done is done: a store that is away is waited for, or the work would be thrown away with it.
    const decided = await again(options, signal, () => options.submit(stream, command, traceparent));
    if (!decided) throw signal.reason;
    reported = decided;
    running.key = decided.status !== 'appended' ? key : decided.waiting?.work ? decided.waiting.key : '';
    if (decided.status === 'appended') running.leased = { key: running.key, at_ms: options.timers.now_ms() };
    return decided;
  };
  try {
    await instruments.span(`perform ${kind}`, { mission_id: known.correlation_id, stream }, known.traceparent, (traceparent) =>
      performer({
        stream,
        mission_id: known.correlation_id,
        state: known.state,
        key: waiting.key,
        signal,
        submit: (command) => submit(command, traceparent),
      }),
    );
    await movedOn(options, stream, waiting, reported);
    outcome = 'done';
    return null;
  } catch (error) {
    if (signal.aborted) outcome = 'aborted';
    else instruments.fault(`${kind} of ${stream}`, error);
    return error;
  } finally {
    stopBeating();
    instruments.workEnded(kind, outcome, (performance.now() - started) / 1_000);
  }
}

/** A performer that reports nothing, or what changes nothing, would be started for ever: that is a failure of it. */
async function movedOn(options: WorkersOptions, stream: string, { key, work }: Waiting, reported: Decided | null): Promise<void> {
  if (reported === null) throw new Error(`the performer of ${work} ended without a report`);
  if (reported.status === 'appended') return;
  const { waiting } = await options.current(stream);
  if (waiting?.key !== key) return;
  throw new Error(
    `the report of the performer of ${work} was ${reported.status === 'refused' ? `refused (${reported.reason})` : 'of no effect'}`,
  );
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

async function giveBackQueued(options: WorkersOptions, stream: string): Promise<void> {
  try {
    const { waiting } = await options.current(stream);
    if (waiting?.work) await giveBack(options, stream, waiting.key);
  } catch (error) {
    options.instruments.fault(`giving back ${stream}`, error);
  }
}
