/** Power that goes out and disks that are full. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EVENT_STREAM } from '@baton/contracts';
import { eventually } from '@baton/tools';
import { homeOnLoopDisk, smallDisk } from '../disks.ts';
import type { Fault, FaultRun } from '../fault.ts';
import type { Ground, Settings } from '../ground.ts';
import { messageOf, type StoredMessage } from '../outsider.ts';

const DISK_MB = 2_000;
const LOAD_MS = 4_000;
const EVERY_MS = 25;
/** What Postgres writes with besides the processes that commit. */
const WRITERS = ['walwriter', 'checkpointer', 'background writer'];
/** So many missions, acknowledged without them. */
const UNHELPED = 10;
const UNHELPED_WITHIN_MS = 30_000;
const NATS_DISK_MB = 24;
const POSTGRES_DISK_MB = 320;
/** The missions of a load; what lands does so one after the other. */
const SCRIPTED_PER_LANDING = 40;
const FULL_MS = 6_000;
const THAW_MS = 4_000;
/** A mission takes a fraction of a second where the bus takes what happens in it. */
const STUCK_MS = 2_000;
const REFUSED_WITHIN_MS = 60_000;
const BACK_WITHIN_MS = 60_000;

interface PowerLoss {
  readonly since_ms: number;
  /** The last message that the bus had just before. */
  readonly last_on_bus: StoredMessage;
}

/** From here on only commits put on the disk what is committed: without that, the chance of a timer decides what a power loss takes. */
async function stopBackgroundWriters(ground: Ground): Promise<void> {
  const { rows } = await ground.asSuperuser((client) =>
    client.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE backend_type = ANY ($1)', [WRITERS]),
  );
  if (rows.length < WRITERS.length) throw new Error(`Postgres has ${rows.length} of its ${WRITERS.join(', ')}`);
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
}

/** Under load until the plug is pulled; then started again on what the disk has. */
async function powerLoss({ ground }: FaultRun, settings: Settings): Promise<PowerLoss> {
  const disk = await homeOnLoopDisk(ground, DISK_MB);
  await ground.settings(settings);
  await ground.up();
  // Something is finished before, so that there is a history to lose.
  await ground.missions.ended(await ground.missions.wave(5));
  const load = ground.missions.keepComing(EVERY_MS);
  await delay(LOAD_MS);
  await stopBackgroundWriters(ground);
  const acknowledged = ground.missions.acknowledged.size;
  await eventually(() => ground.missions.acknowledged.size >= acknowledged + UNHELPED, {
    within_ms: UNHELPED_WITHIN_MS,
    what: `${UNHELPED} missions are acknowledged that no background writer of Postgres has put on the disk`,
  });
  const last_on_bus = await messageOf(ground, EVENT_STREAM);
  await disk.cutPower();
  await load.stop('abandon');
  ground.missions.ledger.forget();
  await ground.up();
  return { since_ms: performance.now(), last_on_bus };
}

const powerLossKeeps: Fault = {
  id: 'T9',
  broke: 'power loss of the whole machine (Postgres as shipped)',
  needs: ['root-mounts', 'perl'],
  ground: 'own',
  run: async (on) => {
    const { since_ms } = await powerLoss(on, {});
    on.note(`${on.ground.missions.acknowledged.size} acknowledged before`);
    await on.recovered(since_ms);
    await on.verify();
  },
};

const powerLossBites: Fault = {
  id: 'T9.async',
  broke: 'the same with synchronous_commit=off: has to lose something',
  needs: ['root-mounts', 'perl'],
  ground: 'own',
  run: async (on) => {
    const { missions } = on.ground;
    await powerLoss(on, { postgres: { synchronous_commit: 'off' } });
    await missions.ledger.refresh();
    const accepted = new Set(
      missions.ledger.events
        .filter(({ type }) => type === 'MissionAccepted')
        .map((event) => (event.data as { mission_id: string }).mission_id),
    );
    const lost = [...missions.acknowledged].filter((id) => !accepted.has(id)).length;
    on.note(`lost ${lost} of ${missions.acknowledged.size}, as it has to`);
    if (lost === 0) throw new Error('nothing was lost without synchronous commits: the test of power loss shows nothing');
    on.noInvariants();
  },
};

const powerLossOfBus: Fault = {
  id: 'T10',
  broke: 'power loss with sync_interval: always',
  needs: ['root-mounts', 'perl'],
  ground: 'own',
  run: async (on) => {
    const { since_ms, last_on_bus } = await powerLoss(on, { nats_sync_interval: 'always' });
    await on.recovered(since_ms);
    // What is lost is copied again from the log, under the same number but later.
    const { stored_at } = await messageOf(on.ground, EVENT_STREAM, last_on_bus.sequence);
    if (stored_at !== last_on_bus.stored_at)
      throw new Error(
        `the bus lost message ${last_on_bus.sequence} of ${last_on_bus.stored_at}: what it has now is of ${stored_at}`,
      );
    on.note(`message ${last_on_bus.sequence} is the one that was stored before`);
    if ((await on.ground.logOf('relay')).includes('relay-topology-recreated'))
      throw new Error('streams or consumers were gone and had to be made again');
    await on.verify();
  },
};

const fullBus: Fault = {
  id: 'T11',
  broke: 'the disk of JetStream is full',
  needs: ['root-mounts'],
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    const disk = await smallDisk(ground, join(ground.baton.home, 'nats'), NATS_DISK_MB);
    await ground.up();
    await ground.missions.ended(await ground.missions.wave(5));
    await disk.fill();
    const load = ground.missions.keepComing(EVERY_MS);
    await delay(FULL_MS);
    await load.stop();
    const { status } = await ground.missions.ask();
    if (status !== 201) throw new Error(`without room on the bus intake answered ${status} instead of 201`);
    const stuck = await ground.missions.submit();
    const ended = await ground.missions.ended([stuck], STUCK_MS).then(
      () => true,
      () => false,
    );
    if (ended) throw new Error('JetStream had room for a mission from its beginning to its end: nothing was tested');
    await disk.free();
    const freed_ms = performance.now();
    const probe = await ground.missions.submit();
    const healed = await ground.missions.ended([probe], THAW_MS).then(
      () => true,
      () => false,
    );
    on.note(healed ? 'goes on by itself when there is room' : 'goes on only when nats-server is started again');
    if (!healed) await ground.restart('nats-server');
    await on.recovered(healed ? freed_ms : performance.now());
    await on.verify();
  },
};

const fullLog: Fault = {
  id: 'T12',
  broke: 'the disk of Postgres is full',
  needs: ['root-mounts'],
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    const mount = join(ground.baton.directory, 'small');
    const disk = await smallDisk(ground, mount, POSTGRES_DISK_MB);
    await mkdir(join(mount, 'postgres'));
    await mkdir(ground.baton.home, { recursive: true });
    await symlink(join(mount, 'postgres'), join(ground.baton.home, 'postgres'));
    await ground.settings({ postgres: { max_wal_size: '64MB', min_wal_size: '32MB' } });
    await ground.up();
    await ground.missions.ended(await ground.missions.wave(5));
    const seldom = Array.from({ length: SCRIPTED_PER_LANDING }, () => 'scripted' as const);
    const load = ground.missions.keepComing(EVERY_MS, 'landing', ...seldom);
    const refused = await eventually(
      async () => {
        // Again and again: a checkpoint of Postgres gives room back.
        await disk.fill();
        const answer = await ground.missions.ask();
        return answer.status === 503 && answer;
      },
      { within_ms: REFUSED_WITHIN_MS, what: 'intake says that it cannot take a mission now' },
    );
    if (refused.retry_after === null) throw new Error('intake does not say when to come again');
    await disk.free();
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms, { within_ms: BACK_WITHIN_MS });
    await on.verify();
  },
};

export const diskFaults: readonly Fault[] = [powerLossKeeps, powerLossBites, powerLossOfBus, fullBus, fullLog];
