/** Missions as their users hand them in: over HTTP, with a key, asked again until there is an answer; every 2xx is remembered. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@baton/tools';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openLedger, type Ledger } from './ledger.ts';

const run = promisify(execFile);

/** `scripted` is done at once; `working` runs a process for a moment, which counts its runs; `landing` changes a git repository. */
export type Kind = 'scripted' | 'working' | 'landing';

const SUBMIT_MS_MAX = 60_000;
const SUBMIT_RETRY_MS = 50;
const ANSWER_MS_MAX = 10_000;
export const ENDS_WITHIN_MS = 60_000;
const WORKS_S = 1;

export interface Load {
  stop(abandon?: 'abandon'): Promise<void>;
}

export interface Missions {
  readonly ledger: Ledger;
  /** Ids that intake has answered with 2xx. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often intake said no, and with which status, since the start; 0 = no answer. */
  readonly refusals: ReadonlyMap<number, number>;
  submit(kind?: Kind): Promise<string>;
  /** Of a mission that nobody has handed in. */
  contract(): Promise<Readonly<Record<string, unknown>>>;
  /** One request without a second try: its status, 0 where there was no answer, and whether it says when to come again. */
  ask(): Promise<{ readonly status: number; readonly retry_after: string | null }>;
  wave(count: number, kind?: Kind): Promise<readonly string[]>;
  /** One every `every_ms` until stopped; `abandon` gives those up that have no answer. */
  keepComing(every_ms: number, kind?: Kind): Load;
  /** Until each of them has ended; all that were acknowledged where none are named. */
  ended(ids?: readonly string[], within_ms?: number): Promise<void>;
  /** Lines `<mission key> <attempt>` of what agents did outside: one per attempt, or something was done twice. */
  effects(): Promise<readonly string[]>;
  /** Mission ids in the trailers of main, one per landed commit. */
  landedCommits(): Promise<readonly string[]>;
  /** Handed in by another way than HTTP: has to end as well. */
  took(id: string): void;
  forget(ids: Iterable<string>): void;
  /** Nothing is handed in any more, also where a test failed before it said so. */
  close(): Promise<void>;
}

export interface Stack {
  readonly directory: string;
  intake(): Promise<string>;
  auditor_url(): Promise<string>;
}

export function missionsOf(stack: Stack): Missions {
  const ledger = openLedger(stack.auditor_url);
  const acknowledged = new Set<string>();
  const refusals = new Map<number, number>();
  const loads: Load[] = [];
  const effects = join(stack.directory, 'effects');
  const repository = join(stack.directory, 'repository.git');
  let prepared: Promise<void> | null = null;
  const contract = async (kind: Kind, key: string): Promise<string> => {
    await (prepared ??= prepare(effects, repository));
    return JSON.stringify(contractOf(kind, key, effects, repository));
  };
  const send = async (key: string, body: string): Promise<Response | null> => {
    const response = await fetch(`${await stack.intake()}/v1/missions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key, 'baton-actor': 'ada' },
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
    keepComing: (every_ms, kind) => {
      const load = keepComing(every_ms, (signal) => submit(kind, signal));
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
    effects: async () => {
      const files = await readdir(effects).catch(() => []);
      const lines = files.map(async (file) =>
        (await readFile(join(effects, file), 'utf8'))
          .trim()
          .split('\n')
          .map((attempt) => `${file} ${attempt}`),
      );
      return (await Promise.all(lines)).flat();
    },
    landedCommits: async () => {
      const { stdout } = await run('git', ['-C', repository, 'log', '--format=%(trailers:key=Baton-Mission,valueonly)', 'main']);
      return stdout.split('\n').filter((line) => line !== '');
    },
    took: (id) => void acknowledged.add(id),
    forget: (ids) => {
      for (const id of ids) acknowledged.delete(id);
    },
    close: async () => {
      await Promise.all(loads.map((load) => load.stop('abandon')));
      await ledger.close();
    },
  };
}

function keepComing(every_ms: number, submit: (signal: AbortSignal) => Promise<string>): Load {
  const stopping = new AbortController();
  const abandoning = new AbortController();
  const all: Promise<string>[] = [];
  const coming = (async () => {
    while (!stopping.signal.aborted) {
      const one = submit(abandoning.signal);
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

async function prepare(effects: string, repository: string): Promise<void> {
  await mkdir(effects, { recursive: true });
  await run('git', ['init', '--quiet', '--bare', '--initial-branch', 'main', repository]);
  const as = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  const { stdout: tree } = await run('git', ['-C', repository, 'hash-object', '-t', 'tree', '-w', '/dev/null']);
  const { stdout: commit } = await run('git', ['-C', repository, ...as, 'commit-tree', tree.trim(), '-m', 'Begin']);
  await run('git', ['-C', repository, 'update-ref', 'refs/heads/main', commit.trim()]);
  await writeFile(join(effects, '.keep'), '');
}

const DONE = `echo '{"baton":"result/v1","status":"done","summary":"wrote","output":"hello"}'`;
/** The attempt is in the envelope, which comes as one line. */
const COUNTED = `read -r e; echo "$e" | sed 's/.*"attempt":\\([0-9]*\\).*/\\1/' >> "$0"`;

function contractOf(kind: Kind, key: string, effects: string, repository: string): object {
  const agent = {
    scripted: { runtime: 'scripted', output: `${key} is written` },
    working: { runtime: 'command', command: ['sh', '-c', `${COUNTED}; sleep ${WORKS_S}; ${DONE}`, join(effects, key)] },
    landing: {
      runtime: 'command',
      command: ['sh', '-c', `${COUNTED}; echo "$0" > "written-$1"; ${DONE}`, join(effects, key), key],
    },
  }[kind];
  return {
    baton: 'mission/v1',
    title: 'Write one document',
    objective: 'There is a document',
    ...(kind === 'landing' ? { repository: { url: repository, target: 'main' } } : {}),
    scope: { include: ['**'] },
    non_goals: ['Anything else'],
    criteria: [
      {
        id: 'written',
        statement: 'The document is not empty',
        ...(kind === 'landing' ? { check: { run: ['test', '-s', `written-${key}`] } } : {}),
      },
    ],
    rollback: 'Throw it away',
    risk: 'low',
    agent,
  };
}
