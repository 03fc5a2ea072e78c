/** T26, T27: releases side by side. What a newer one adds is passed over, what it changes is put aside, and replacing processes stops nobody. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SERVICE_NAMES, type ServiceName } from '@baton/contracts';
import { migrate } from '@baton/event-store';
import { eventually } from '@baton/tools';
import { isAlive } from '../../baton.ts';
import type { Fault, FaultRun } from '../fault.ts';
import { READY_WITHIN_MS, RESTARTED_WITHIN_MS, type Ground } from '../ground.ts';
import { parked, settle } from '../letters.ts';
import { neighboursOf, unharmed } from '../neighbours.ts';
import { acceptance, writeToLog } from '../outsider.ts';
import { provisionAgain } from '../provisioner.ts';
import { startReplica } from '../replica.ts';

const NEIGHBOUR_MS_MAX = 5_000;
const EVERY_MS = 200;
const ASKED_EVERY_MS = 20;
const ANSWERED_WITHIN_MS = 2_000;
/** A process of intake that is told to end and started again, on a machine that does other things too. */
const AWAY_MS_MAX = 6_000;

const newerProducer: Fault = {
  id: 'T26',
  broke: 'events of a newer release: with more in them, and of a new version',
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    await ground.up();
    const neighbours = neighboursOf(ground);
    const [added, changed] = [randomUUID(), randomUUID()];
    const data = await acceptance(ground, added);
    const contract = data['contract'] as { scope: object; criteria: readonly object[]; agent: object };
    const more = { of_a_newer_release: { any: ['thing'] } };
    const richer = {
      ...data,
      ...more,
      contract: {
        ...contract,
        ...more,
        scope: { ...contract.scope, ...more },
        criteria: contract.criteria.map((criterion) => ({ ...criterion, ...more })),
        agent: { ...contract.agent, ...more },
      },
    };
    await writeToLog(ground, added, [{ type: 'MissionAccepted', schema_version: 1, data: JSON.stringify(richer) }]);
    ground.missions.took(added);
    await ground.missions.ended([added]);
    const body = JSON.stringify({ ...data, mission_id: changed });
    await writeToLog(ground, changed, [{ type: 'MissionAccepted', schema_version: 2, data: body }]);
    const letters = await parked(ground, [
      { reason: 'unknown-type', consumer: 'planner-react', body, says: '"MissionAccepted" has version 2, this release knows 1' },
    ]);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    for (const [name, { restarts }] of Object.entries((await ground.baton.stack()).processes))
      if (restarts > 0) throw new Error(`${name} died of an event of a newer release`);
    await on.verify({ dead_letters: 1 });
    await settle(ground, letters, 'discard');
    await on.recovered(performance.now());
  },
};

interface Asked {
  /** The longest time without an answer 201. */
  stop(): Promise<number>;
}

/** As clients behind a balancer see it: each mission goes to whoever of these takes it. */
function keepAsking({ missions, cleanup }: Ground, urls: readonly string[]): Asked {
  const stopping = new AbortController();
  let away_ms = 0;
  const asking = (async () => {
    let answered_ms = performance.now();
    while (!stopping.signal.aborted) {
      const key = randomUUID();
      const body = JSON.stringify(await missions.contract());
      const taken = await Promise.any(urls.map((url) => submit(url, key, body))).catch(() => null);
      const now_ms = performance.now();
      away_ms = Math.max(away_ms, now_ms - answered_ms);
      if (taken !== null) {
        missions.took(taken);
        answered_ms = now_ms;
      }
      await delay(ASKED_EVERY_MS);
    }
  })();
  asking.catch(() => undefined);
  cleanup.add(() => {
    stopping.abort();
    return asking.catch(() => undefined);
  });
  return {
    stop: async () => {
      stopping.abort();
      await asking;
      return away_ms;
    },
  };
}

async function submit(url: string, key: string, body: string): Promise<string> {
  const response = await fetch(`${url}/v1/missions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'baton-actor': 'ada' },
    body,
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  });
  if (!response.ok) throw new Error(`it was ${response.status}`);
  return ((await response.json()) as { mission_id: string }).mission_id;
}

/** As an orchestrator does it: told to end, and only gone on from when the new one says that it can work. */
async function replace(ground: Ground, service: ServiceName): Promise<void> {
  const { pid, restarts } = await ground.baton.part(service);
  process.kill(pid, 'SIGTERM');
  await eventually(async () => (await ground.baton.part(service)).restarts > restarts && !isAlive(pid), {
    within_ms: RESTARTED_WITHIN_MS,
    what: `${service} was started again`,
  });
  const { [service]: url } = (await ground.baton.stack()).services;
  await eventually(async () => (await fetch(`${url}/readyz`)).ok, {
    within_ms: READY_WITHIN_MS,
    what: `${service} is ready again`,
  });
}

/** What goes before every release; all of it may be done again at any time. */
async function migrateAgain(ground: Ground): Promise<void> {
  const { applied } = await migrate(await ground.superuserUrl());
  if (applied.length > 0) throw new Error(`${applied.join(', ')} were missing in a stack that runs`);
  await provisionAgain(ground);
}

async function rollOver(on: FaultRun, urls: readonly string[], away_ms_max: number): Promise<void> {
  const { ground } = on;
  const load = ground.missions.keepComing(EVERY_MS, 'working');
  const asked = keepAsking(ground, urls);
  for (const service of SERVICE_NAMES) {
    await migrateAgain(ground);
    await replace(ground, service);
  }
  const since_ms = performance.now();
  const away_ms = Math.round(await asked.stop());
  await load.stop();
  if (away_ms > away_ms_max) throw new Error(`intake took nothing for ${away_ms} ms, at most ${away_ms_max} are right`);
  await on.recovered(since_ms);
  on.note(`intake took no mission for ${away_ms} ms at most`);
}

const rolledOver: Fault = {
  id: 'T27.restart',
  broke: 'every service replaced in turn, with migrations run again before each',
  ground: 'shared',
  run: async (on) => rollOver(on, [(await on.ground.baton.stack()).services.intake], AWAY_MS_MAX),
};

const rolledOverReplicas: Fault = {
  id: 'T27.replicas',
  broke: 'the same with two of intake: it is never away',
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { url } = await startReplica(on.ground, 'intake');
    await rollOver(on, [(await on.ground.baton.stack()).services.intake, url], ANSWERED_WITHIN_MS);
  },
};

export const versionFaults: readonly Fault[] = [newerProducer, rolledOver, rolledOverReplicas];
