/** Missions as their users hand them in: over HTTP, with a key, asked again until there is an answer; every 2xx is remembered. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@baton/tools';
import type { Effects } from './effects.ts';
import { contractOf, landedOn, prepareRepository, REQUESTER, type Kind, type Landed } from './kinds.ts';
import { openLedger, type Ledger } from './ledger.ts';
import { recordedAttempts } from './once.ts';
import { peopleOf, type People } from './people.ts';

const SUBMIT_MS_MAX = 60_000;
const SUBMIT_RETRY_MS = 50;
const ANSWER_MS_MAX = 10_000;
export const ENDS_WITHIN_MS = 60_000;

export interface Load {
  stop(abandon?: 'abandon'): Promise<void>;
}

export interface Missions {
  readonly ledger: Ledger;
  /** Ids that intake has answered with 2xx. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often intake said no, and with which status, since the start; 0 = no answer. */
  readonly refusals: ReadonlyMap<number, number>;
  /** Who answers what `asking` missions ask. */
  readonly people: People;
  /** What agents did outside. */
  readonly effects: Effects;
  /** Missions that were given up because the log is an older one now: what they did outside stays done. */
  readonly forgotten: ReadonlySet<string>;
  submit(kind?: Kind): Promise<string>;
  /** Of a mission that nobody has handed in. */
  contract(): Promise<Readonly<Record<string, unknown>>>;
  /** One request without a second try: its status, 0 where there was no answer, and whether it says when to come again. */
  ask(): Promise<{ readonly status: number; readonly retry_after: string | null }>;
  wave(count: number, kind?: Kind): Promise<readonly string[]>;
  /** One every `every_ms` until stopped, of each kind in turn; `abandon` gives those up that have no answer. */
  keepComing(every_ms: number, ...kinds: readonly Kind[]): Load;
  /** Until each of them has ended; all that were acknowledged where none are named. */
  ended(ids?: readonly string[], within_ms?: number): Promise<void>;
  /** What is on main. */
  landedCommits(): Promise<readonly Landed[]>;
  /** Handed in by another way than HTTP: has to end as well. */
  took(id: string): void;
  /** The log is an older one now: these are gone from it, and attempts that it knows nothing of are begun again. */
  forget(ids: Iterable<string>): void;
  /** Nothing is handed in any more, also where a test failed before it said so. */
  close(): Promise<void>;
}

export interface Stack {
  readonly directory: string;
  readonly effects: Effects;
  intake(): Promise<string>;
  approval(): Promise<string>;
  auditor_url(): Promise<string>;
}

export function missionsOf(stack: Stack): Missions {
  const ledger = openLedger(stack.auditor_url);
  const acknowledged = new Set<string>();
  const refusals = new Map<number, number>();
  const loads: Load[] = [];
  const forgotten = new Set<string>();
  const people = peopleOf(ledger, stack.approval);
  const { effects } = stack;
  const repository = join(stack.directory, 'repository.git');
  let preparing: Promise<void> | null = null;
  const prepared = (): Promise<void> => (preparing ??= prepareRepository(repository));
  const contract = async (kind: Kind, key: string): Promise<string> => {
    await prepared();
    return JSON.stringify(contractOf(kind, key, { counter: effects.counter, repository }));
  };
  const send = async (key: string, body: string): Promise<Response | null> => {
    const response = await fetch(`${await stack.intake()}/v1/missions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key, 'baton-actor': REQUESTER },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    }).catch(() => null);
    const status = response?.status ?? 0;
    if (response?.ok !== true) refusals.set(status, (refusals.get(status) ?? 0) + 1);
    return response;
  };
  const submit = async (kind: Kind = 'scripted', abandoned?: AbortSignal): Promise<string> => {
    const key = randomUUID();
    const body = await contract(kind, key);
    const deadline = performance.now() + SUBMIT_MS_MAX;
    for (;;) {
      const response = await send(key, body);
      if (response?.ok === true) {
        const { mission_id } = (await response.json()) as { mission_id: string };
        acknowledged.add(mission_id);
        if (kind === 'asking') people.expect(mission_id);
        return mission_id;
      }
      if (response !== null && response.status < 500)
        throw new Error(`intake answered ${response.status}: ${await response.text()}`);
      abandoned?.throwIfAborted();
      if (performance.now() > deadline) throw new Error(`intake has taken no mission for ${SUBMIT_MS_MAX} ms`);
      await delay(SUBMIT_RETRY_MS);
    }
  };
  return {
    ledger,
    acknowledged,
    refusals,
    people,
    effects,
    forgotten,
    submit,
    contract: async () => JSON.parse(await contract('scripted', randomUUID())) as Record<string, unknown>,
    ask: async () => {
      const key = randomUUID();
      const response = await send(key, await contract('scripted', key));
      if (response?.ok === true) acknowledged.add(((await response.json()) as { mission_id: string }).mission_id);
      return { status: response?.status ?? 0, retry_after: response?.headers.get('retry-after') ?? null };
    },
    wave: (count, kind) => {
      const wave = Promise.all(Array.from({ length: count }, () => submit(kind)));
      // Whoever wants to know awaits it, some only when something else has happened.
      wave.catch(() => undefined);
      return wave;
    },
    keepComing: (every_ms, ...kinds) => {
      const load = keepComing(every_ms, (signal, nth) => submit(kinds[nth % kinds.length], signal));
      loads.push(load);
      return load;
    },
    ended: async (ids, within_ms = ENDS_WITHIN_MS) => {
      await eventually(
        async () => {
          await ledger.refresh();
          const open = [...(ids ?? acknowledged)].filter((id) => !ledger.ended.has(id));
          if (open.length > 0) throw new Error(`${open.length} missions have not ended, such as ${open[0]}`);
          return true;
        },
        { within_ms, what: 'every mission has ended' },
      );
    },
    landedCommits: async () => {
      await prepared();
      return landedOn(repository);
    },
    took: (id) => void acknowledged.add(id),
    forget: (ids) => {
      for (const id of ids) {
        acknowledged.delete(id);
        people.forget(id);
        forgotten.add(id);
      }
      const { started } = recordedAttempts(ledger.events, effects.counter);
      effects.rewind((line) => started.has(line));
    },
    close: async () => {
      await Promise.all(loads.map((load) => load.stop('abandon')));
      await people.close();
      effects.close();
      await ledger.close();
    },
  };
}

function keepComing(every_ms: number, submit: (signal: AbortSignal, nth: number) => Promise<string>): Load {
  const stopping = new AbortController();
  const abandoning = new AbortController();
  const all: Promise<string>[] = [];
  const coming = (async () => {
    while (!stopping.signal.aborted) {
      const one = submit(abandoning.signal, all.length);
      // Looked at when it is stopped.
      one.catch(() => undefined);
      all.push(one);
      await delay(every_ms, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: async (abandon?: 'abandon'): Promise<void> => {
      stopping.abort();
      if (abandon) abandoning.abort();
      await coming;
      const settled = await Promise.allSettled(all);
      const failed = settled.find((one) => one.status === 'rejected');
      if (!abandon && failed) throw failed.reason;
    },
  };
}
