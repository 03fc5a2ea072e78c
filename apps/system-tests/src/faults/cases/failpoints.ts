/** T1: every service dies at every place where it matters that it was half done. T3 is the relay between PubAck and its own memory of it. */
import type { ServiceName } from '@baton/contracts';
import { eventually } from '@baton/tools';
import type { Failpoint } from '@baton/ports';
import { isAlive } from '../../baton.ts';
import type { Fault, FaultRun } from '../fault.ts';
import type { Kind } from '../kinds.ts';

const HANDLING = ['before-append', 'after-append', 'before-ack', 'after-ack'] as const;
const PLACES: Readonly<Partial<Record<ServiceName, readonly Failpoint[]>>> = {
  intake: HANDLING,
  planner: HANDLING,
  executor: [...HANDLING, 'after-effect'],
  reviewer: HANDLING,
  approval: HANDLING,
  release: [...HANDLING, 'before-land', 'after-land'],
  relay: ['before-publish', 'after-publish'],
};
const EVERY_MS = 50;
const WORKING_EVERY_MS = 300;
/** What lands on one branch lands one after the other, 0.4 s each on two cores: faster than that, a queue is measured, not a recovery. */
const LANDING_EVERY_MS = 600;
const NTH_MAX = 4;
const REACHED_WITHIN_MS = 30_000;

/** The missions that lead a service to a place: what lands in a repository counts its commits, what asks is answered by people. */
function kindFor(service: ServiceName, at: Failpoint): Kind {
  if (service === 'approval') return 'asking';
  return at.endsWith('-land') ? 'landing' : at === 'after-effect' ? 'working' : 'scripted';
}

function everyMs(kind: Kind): number {
  if (kind === 'landing') return LANDING_EVERY_MS;
  return kind === 'scripted' ? EVERY_MS : WORKING_EVERY_MS;
}

/** Resolves at the moment of its death. */
async function dieAt({ ground, random }: FaultRun, service: ServiceName, at: Failpoint): Promise<number> {
  const { baton, missions } = ground;
  const nth = at === 'after-effect' || at.endsWith('-land') ? 1 : 1 + Math.floor(random() * NTH_MAX);
  await ground.settings({ services: { [service]: { env: { BATON_FAILPOINT: `${at}:${nth}` } } } });
  const pid = await ground.restart(service);
  // Read when it was started: the process after it has no failpoint any more.
  await ground.settings({});
  const kind = kindFor(service, at);
  // Until it dies: what comes close together is appended and published in groups, so that no number of missions is certain to lead there.
  const load = missions.keepComing(everyMs(kind), kind);
  await eventually(() => !isAlive(pid), { within_ms: REACHED_WITHIN_MS, what: `${service} came by ${at} for the ${nth}. time` });
  const died_ms = performance.now();
  await eventually(async () => (await baton.part(service)).pid !== pid, {
    within_ms: REACHED_WITHIN_MS,
    what: `${service} was started again`,
  });
  await load.stop();
  return died_ms;
}

const deathAt = (service: ServiceName, at: Failpoint): Fault => ({
  id: service === 'relay' && at === 'after-publish' ? 'T3' : `T1.${service}.${at}`,
  broke: `${service} killed ${at.replace('-', ' ')}`,
  ground: 'shared',
  run: async (on) => {
    await on.recovered(await dieAt(on, service, at), { single_kill: true });
  },
});

export const failpointFaults: readonly Fault[] = (Object.keys(PLACES) as ServiceName[]).flatMap((service) =>
  (PLACES[service] ?? []).map((at) => deathAt(service, at)),
);
