/** Processes that die: at random, servers under load, one backend, a whole postmaster; and processes that are asked to end. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SERVICE_NAMES, type ServiceName } from '@baton/contracts';
import { eventually } from '@baton/tools';
import { isAlive } from '../../baton.ts';
import { descendants } from '../disks.ts';
import type { Fault, FaultRun } from '../fault.ts';
import { READY_WITHIN_MS, RESTARTED_WITHIN_MS, type Ground } from '../ground.ts';
import type { Kind } from '../kinds.ts';
import { startReplica, type Replica } from '../replica.ts';
import { whileAway } from '../turned-away.ts';

const PARTS = [...SERVICE_NAMES, 'nats-server', 'postgres'] as const;
const EVERY_MS = 150;
const KILL_EVERY_MS = 1_500;
const RANDOM_KILLS = 30;
const NATS_KILLS = 10;
const WAVE = 10;
const APPENDS_WITHIN_MS = 5_000;
/** What `baton up` gives running work, and five seconds to close everything. */
const TERM_MS_MAX = 7_500;

const randomKills: Fault = {
  id: 'T2',
  broke: 'any process killed at any time, again and again',
  ground: 'shared',
  run: async (on) => {
    const { ground, random } = on;
    const load = ground.missions.keepComing(EVERY_MS);
    const killed: string[] = [];
    for (let kill = 0; kill < RANDOM_KILLS; kill++) {
      const part = PARTS[Math.floor(random() * PARTS.length)] as string;
      // It may be on its way back from the kill before.
      const alive = await ground.baton.part(part).then(({ pid }) => isAlive(pid));
      if (alive) await ground.signal(part, 'SIGKILL');
      killed.push(part);
      await delay(KILL_EVERY_MS * (0.5 + random()));
    }
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms);
    on.note(`${killed.length} kills`);
  },
};

/** What a part has under way at its death, beside agents that run. */
const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  approval: ['working', 'asking'],
  // One after the other on one branch: more would wait for each other, not for what was killed.
  release: ['working', 'working', 'working', 'landing'],
  postgres: ['working', 'asking', 'working', 'working', 'landing', 'working'],
};

/** The load goes on until the part is back: what comes while it is away is part of what has to be made up for. */
const killOnce = (part: string): Fault => ({
  id: `T2.${part}`,
  broke: `${part} killed under load`,
  ground: 'shared',
  run: async (on) => {
    const load = on.ground.missions.keepComing(EVERY_MS, ...(KINDS[part] ?? ['working']));
    await delay(KILL_EVERY_MS);
    const { pid } = await on.ground.baton.part(part);
    const away = part === 'postgres' ? await whileAway(on.ground) : null;
    await on.ground.kill(part);
    const since_ms = performance.now();
    await eventually(async () => (await on.ground.baton.part(part)).pid !== pid, {
      within_ms: RESTARTED_WITHIN_MS,
      what: `${part} was started again`,
    });
    await load.stop();
    await on.recovered(since_ms, { single_kill: true });
    await away?.stop();
  },
});

/** As in a cluster: nothing on the machine of the dead knows that it is dead, so that its leases have to run out. */
const killElsewhere = (service: 'executor' | 'release', kinds: readonly Kind[]): Fault => ({
  id: `T2.${service}.elsewhere`,
  broke: `one of two ${service} killed under load, and not started again`,
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { missions } = on.ground;
    const replica = await startReplica(on.ground, service);
    const load = missions.keepComing(EVERY_MS, ...kinds);
    await eventually(async () => (await runningAt(replica)) > 0, { within_ms: READY_WITHIN_MS, what: 'it works on something' });
    process.kill(replica.pid, 'SIGKILL');
    const since_ms = performance.now();
    await eventually(() => !isAlive(replica.pid), { within_ms: TERM_MS_MAX, what: 'it is dead' });
    await delay(KILL_EVERY_MS);
    await load.stop();
    await on.recovered(since_ms);
  },
});

const RUNNING = /^baton_work_running(?:\{.*\})? (\d+)$/gm;
async function runningAt({ url }: Replica): Promise<number> {
  const shown = await (await fetch(`${url}/metrics`)).text();
  return [...shown.matchAll(RUNNING)].reduce((sum, [, value]) => sum + Number(value), 0);
}

const natsKills: Fault = {
  id: 'T5',
  broke: 'nats-server killed again and again under load',
  ground: 'shared',
  run: async (on) => {
    const { ground, brief } = on;
    const load = ground.missions.keepComing(EVERY_MS);
    let since_ms = performance.now();
    for (let kill = 0; kill < (brief ? 2 : NATS_KILLS); kill++) {
      await ground.kill('nats-server');
      since_ms = performance.now();
      // Intake needs Postgres only: what it is given while the bus is away is taken.
      const { status } = await ground.missions.ask();
      if (status !== 201) throw new Error(`without a bus intake answered ${status} instead of 201`);
      await eventually(async () => isAlive((await ground.baton.part('nats-server')).pid), { within_ms: READY_WITHIN_MS });
      await delay(KILL_EVERY_MS * (0.5 + on.random()));
    }
    await load.stop();
    await on.recovered(since_ms);
  },
};

const wipedBus: Fault = {
  id: 'T7',
  broke: 'JetStream wiped while missions are under way',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const load = ground.missions.keepComing(EVERY_MS, 'scripted', 'asking', 'scripted', 'landing');
    await delay(KILL_EVERY_MS);
    // Away at one moment: a server that runs would go on writing into a directory that is being removed.
    const gone = join(ground.baton.directory, 'nats-gone');
    await rename(join(ground.baton.home, 'nats'), gone);
    await ground.kill('nats-server');
    const since_ms = performance.now();
    await rm(gone, { recursive: true, force: true });
    await load.stop();
    await on.recovered(since_ms);
  },
};

const APPENDING = `SELECT pid FROM pg_stat_activity
  WHERE application_name LIKE 'baton-intake%' AND wait_event_type = 'Lock' AND query LIKE '%baton.append%' LIMIT 1`;

/** The process of one, which stays where it is for as long as `use` runs: every append waits for this row. */
async function duringAppend(ground: Ground, use: (pid: number) => void): Promise<void> {
  await ground.asSuperuser(async (locker) => {
    await locker.query('BEGIN');
    await locker.query('SELECT FROM baton.log_head FOR UPDATE');
    // Not the same session: a transaction goes on seeing the activity of its first look.
    const pid = await ground.asSuperuser((client) =>
      eventually(async () => (await client.query<{ pid: number }>(APPENDING)).rows[0]?.pid ?? null, {
        within_ms: APPENDS_WITHIN_MS,
        what: 'a backend of intake is in the middle of an append',
      }),
    );
    use(pid);
  });
}

const killedBackend: Fault = {
  id: 'T8.backend',
  broke: 'a Postgres backend killed in the middle of appends',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const load = ground.missions.keepComing(EVERY_MS / 3);
    await delay(KILL_EVERY_MS);
    const away = await whileAway(ground);
    await duringAppend(ground, (pid) => process.kill(pid, 'SIGKILL'));
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms, { single_kill: true });
    await away.stop();
  },
};

/** T30: what is made from the log is made again from its beginning while the log grows; I5 compares it with the log. */
const rebuiltProjection: Fault = {
  id: 'T30',
  broke: 'the projection of metrics is made again from zero under load, three times',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const load = ground.missions.keepComing(EVERY_MS / 3);
    let since_ms = performance.now();
    for (let times = 0; times < 3; times++) {
      await delay(KILL_EVERY_MS);
      await ground.restart('metrics');
      since_ms = performance.now();
    }
    await load.stop();
    await on.recovered(since_ms);
    // What was folded while it happened, and then the same log read at one go: both are what the log says.
    await on.verify();
    await ground.restart('metrics');
    await on.verify();
  },
};

const terminated = (service: ServiceName): Fault => ({
  id: `T15.${service}`,
  broke: `${service} told to end (SIGTERM) under load`,
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const load = ground.missions.keepComing(EVERY_MS, service === 'executor' ? 'working' : 'scripted');
    await delay(KILL_EVERY_MS);
    const { pid } = await ground.baton.part(service);
    const children = await descendants([pid]);
    if (service === 'executor' && children.length === 0) throw new Error('no agent was running');
    process.kill(pid, 'SIGTERM');
    const asked_ms = performance.now();
    await eventually(() => !isAlive(pid), { within_ms: TERM_MS_MAX, what: `${service} has ended` });
    const took_ms = performance.now() - asked_ms;
    await eventually(() => !children.some(isAlive), { within_ms: 1_000, what: 'no agent outlives its executor' });
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms);
    on.note(`ended in ${Math.round(took_ms)} ms`);
    const log = await ground.logOf(service);
    if (!log.includes('service-stopped')) throw new Error(`${service} did not end in order`);
  },
});

export const killFaults: readonly Fault[] = [
  ...PARTS.map(killOnce),
  killElsewhere('executor', ['working']),
  killElsewhere('release', ['landing', 'working', 'working']),
  randomKills,
  natsKills,
  wipedBus,
  killedBackend,
  rebuiltProjection,
  ...SERVICE_NAMES.map(terminated),
];

export async function waveUnderWay({ ground }: FaultRun): Promise<readonly string[]> {
  const wave = await ground.missions.wave(WAVE, 'working');
  await eventually(
    async () => {
      await ground.missions.ledger.refresh();
      return ground.missions.ledger.events.some(
        ({ type, data }) => type === 'AttemptStarted' && wave.includes((data as { mission_id: string }).mission_id),
      );
    },
    { within_ms: READY_WITHIN_MS, what: 'an attempt is under way' },
  );
  return wave;
}
