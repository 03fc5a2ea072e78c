/** A stack to break: the one that `baton up` starts, with what a fault needs to reach into it, and a way back for everything it does. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseUrl, eventually } from '@baton/tools';
import pg from 'pg';
import { auditorUrl, batonAt, isAlive, type Baton } from '../baton.ts';
import { countEffects } from './effects.ts';
import { marksOf, type Marks } from './marks.ts';
import { missionsOf, type Missions } from './missions.ts';

export const RESTARTED_WITHIN_MS = 30_000;
export const READY_WITHIN_MS = 60_000;
const DEAD_WITHIN_MS = 10_000;

/** What has to be undone, last done first, also when the test failed. */
export interface Cleanup {
  add(undo: () => Promise<unknown>): void;
  run(): Promise<void>;
}

export interface ServiceSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly under?: readonly string[];
}
export interface Settings {
  readonly services?: Readonly<Record<string, ServiceSettings>>;
  readonly postgres?: Readonly<Record<string, string>>;
  readonly nats_sync_interval?: string;
}

export interface Ground extends Marks {
  readonly baton: Baton;
  /** Of every `baton` that is run from now on. */
  readonly environment: Record<string, string>;
  readonly missions: Missions;
  /** Undoes what the test that runs now has done. */
  readonly cleanup: Cleanup;
  /** parts.json: read by the supervisor at each start of a part. */
  settings(settings: Settings): Promise<void>;
  up(): Promise<void>;
  /** Sends SIGKILL; resolves when the process is gone. */
  kill(part: string): Promise<void>;
  /** Kills it; resolves with its new process when it was started again. */
  restart(part: string): Promise<number>;
  signal(part: string, signal: NodeJS.Signals): Promise<void>;
  /** Every service says that it can work. */
  ready(): Promise<void>;
  superuserUrl(): Promise<string>;
  asSuperuser<T>(use: (client: pg.Client) => Promise<T>): Promise<T>;
  secrets(): Promise<Secrets>;
  remove(): Promise<void>;
}

export interface Secrets {
  readonly postgres_superuser: string;
  readonly postgres: Readonly<Record<string, string>>;
  readonly nkeys: Readonly<Record<string, { readonly seed: string }>>;
}

function cleanups(): Cleanup {
  const undo: (() => Promise<unknown>)[] = [];
  return {
    add: (one) => void undo.push(one),
    run: async () => {
      const failures: unknown[] = [];
      for (let one = undo.pop(); one !== undefined; one = undo.pop()) {
        try {
          await one();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0)
        throw new AggregateError(failures, `what was broken could not be mended: ${failures.map(String).join('; ')}`);
    },
  };
}

const ENVIRONMENT = { BATON_DRAIN_GRACE_MS: '2000', BATON_WORK_SLOTS: '64' };

/** Made, not started: `up` does that. */
export async function newGround(): Promise<Ground> {
  const environment: Record<string, string> = { ...ENVIRONMENT };
  const baton = await batonAt('home', environment);
  const secrets = async (): Promise<Secrets> => JSON.parse(await readFile(join(baton.home, 'secrets.json'), 'utf8')) as Secrets;
  const effects = await countEffects(join(baton.directory, 'effects'));
  environment['BATON_SANDBOX_READABLE'] = effects.directory;
  const missions = missionsOf({
    directory: baton.directory,
    effects,
    intake: async () => (await baton.stack()).services.intake,
    approval: async () => (await baton.stack()).services.approval,
    auditor_url: () => auditorUrl(baton),
  });
  const kill = async (part: string): Promise<void> => {
    const { pid } = await baton.part(part);
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isAlive(pid), { within_ms: DEAD_WITHIN_MS, what: `${part} (process ${pid}) is gone` });
  };
  const superuserUrl = async (): Promise<string> =>
    databaseUrl((await baton.stack()).postgres_url, { user: 'postgres', password: (await secrets()).postgres_superuser });
  return {
    baton,
    environment,
    missions,
    cleanup: cleanups(),
    settings: (settings) => writeFile(join(baton.home, 'parts.json'), JSON.stringify(settings), { flush: true }),
    up: async () => {
      const { exit, stderr } = await baton.run('up');
      if (exit !== 0) throw new Error(`baton up ended with ${exit}: ${stderr}`);
    },
    kill,
    restart: async (part) => {
      const before = await baton.part(part);
      process.kill(before.pid, 'SIGKILL');
      return eventually(
        async () => {
          const now = await baton.part(part);
          return now.restarts > before.restarts && now.pid;
        },
        { within_ms: RESTARTED_WITHIN_MS, what: `${part} was started again` },
      );
    },
    signal: async (part, signal) => void process.kill((await baton.part(part)).pid, signal),
    ready: async () => {
      await eventually(async () => (await baton.run('status')).exit === 0, {
        within_ms: READY_WITHIN_MS,
        what: 'every service is ready',
      });
    },
    superuserUrl,
    asSuperuser: async (use) => {
      const client = new pg.Client({ connectionString: await superuserUrl() });
      // A server that is killed ends the session; whoever waits for an answer hears of it there.
      client.on('error', () => undefined);
      await client.connect();
      try {
        return await use(client);
      } finally {
        await client.end().catch(() => undefined);
      }
    },
    secrets,
    ...marksOf(join(baton.home, 'logs'), missions.ledger),
    remove: async () => {
      await missions.close().catch(() => undefined);
      await baton.remove();
    },
  };
}
