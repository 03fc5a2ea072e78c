/** Processes that do not die but stand still, longer than anybody waits for them, and then go on as if nothing had been. */
import { setTimeout as delay } from 'node:timers/promises';
import { ACK_WAIT_MS, CONSUMERS } from '@baton/contracts';
import { eventually } from '@baton/tools';
import type { Fault } from '../fault.ts';
import type { Ground } from '../ground.ts';
import { tookOf } from '../neighbours.ts';
import { asAdministrator } from '../provisioner.ts';
import { startReplica } from '../replica.ts';

const NATS_STOPPED_MS = 10_000;
/** The relay's lease is three seconds. */
const RELAY_STOPPED_MS = 6_000;
const TAKEN_OVER_WITHIN_MS = 25_000;
const EVERY_MS = 150;
/** So many the bus gives to a consumer that settles none of them, at the most. */
const HANDS_FULL = CONSUMERS['planner-react'].max_ack_pending;
const WAVE = 100;
const COPIED_WITHIN_MS = 10_000;
const WORKED_OFF_WITHIN_MS = 90_000;
/** A report that is refused, or an attempt that is given up: whichever comes first, that the agent is done or that it is time to renew the lease. */
const OUT_OF_IT =
  /^(?:baton_refusals_total\{.*reason="stale-attempt".*\}|baton_work_seconds_count\{.*outcome="aborted".*\}) (\d+)$/gm;
/** Of those one or the other may be done in the moment between the look and the stop. */
const RUNNING_MIN = 3;
const RUNNING = /^baton_work_running\{.*\} (\d+)$/gm;

/** Goes on with the end of the test at the latest. */
async function stop(ground: Ground, part: string): Promise<() => Promise<void>> {
  const { pid } = await ground.baton.part(part);
  process.kill(pid, 'SIGSTOP');
  const goOn = (): Promise<void> => {
    process.kill(pid, 'SIGCONT');
    return Promise.resolve();
  };
  ground.cleanup.add(() => goOn().catch(() => undefined));
  return goOn;
}

const stoppedLeader: Fault = {
  id: 'T4',
  broke: 'the leading relay stands still, a second one takes over, the first goes on',
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const replica = await startReplica(ground, 'relay');
    if ((await replica.log()).includes('"leading"')) throw new Error('the first relay does not lead');
    const load = ground.missions.keepComing(EVERY_MS);
    const goOn = await stop(ground, 'relay');
    await delay(RELAY_STOPPED_MS);
    if (!(await replica.log()).includes('"leading"')) throw new Error('the second relay did not take over');
    const without_first = await ground.missions.submit();
    await ground.missions.ended([without_first], TAKEN_OVER_WITHIN_MS);
    await ground.mark();
    await goOn();
    const since_ms = performance.now();
    await eventually(async () => (await ground.logOf('relay')).includes('not-leading'), {
      within_ms: TAKEN_OVER_WITHIN_MS,
      what: 'the first relay has found that it does not lead any more',
    });
    await load.stop();
    await on.recovered(since_ms);
  },
};

const stoppedNats: Fault = {
  id: 'T6',
  broke: `nats-server stands still for ${NATS_STOPPED_MS / 1_000} s`,
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const load = ground.missions.keepComing(EVERY_MS);
    const goOn = await stop(ground, 'nats-server');
    await delay(NATS_STOPPED_MS);
    const { status } = await ground.missions.ask();
    if (status !== 201) throw new Error(`without a bus intake answered ${status} instead of 201`);
    await goOn();
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms);
    const unhandled = /"(uncaught-exception|unhandled-rejection)"/;
    for (const service of ['relay', 'planner', 'executor'])
      if (unhandled.test(await ground.logOf(service))) throw new Error(`${service} did not foresee it: see its log`);
  },
};

const blockedLoop: Fault = {
  id: 'T13',
  broke: `the planner stands still for longer than its ack wait (${ACK_WAIT_MS} ms) with deliveries in hand`,
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    await startReplica(ground, 'planner');
    const load = ground.missions.keepComing(EVERY_MS / 3);
    await delay(EVERY_MS * 4);
    const goOn = await stop(ground, 'planner');
    await delay(EVERY_MS * 4);
    await load.stop();
    // The replica is given what the first one holds, after its ack wait.
    await ground.missions.ended(undefined, ACK_WAIT_MS + TAKEN_OVER_WITHIN_MS);
    const held = [...tookOf(ground.eventsSince()).values()].filter((took_ms) => took_ms > ACK_WAIT_MS);
    if (held.length === 0) throw new Error('no mission waited for an ack wait: the planner held nothing when it was stopped');
    on.note(`${held.length} missions waited for the ack wait of what the planner held`);
    await goOn();
    await on.recovered(performance.now());
  },
};

const stoppedExecutor: Fault = {
  id: 'T14',
  broke: 'an executor stands still in the middle of attempts, past its lease, then reports',
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const { executor } = (await ground.baton.stack()).services;
    const sumOf = async (series: RegExp): Promise<number> => {
      const shown = await (await fetch(`${executor}/metrics`)).text();
      return [...shown.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);
    };
    // Again and again, so that it has some in hand at whatever moment it is stopped.
    const load = ground.missions.keepComing(EVERY_MS, 'working');
    await eventually(async () => (await sumOf(RUNNING)) >= RUNNING_MIN, {
      within_ms: TAKEN_OVER_WITHIN_MS,
      what: `${RUNNING_MIN} agents run`,
    });
    const before = await sumOf(OUT_OF_IT);
    const goOn = await stop(ground, 'executor');
    const stopped_ms = performance.now();
    await load.stop();
    const replica = await startReplica(ground, 'executor');
    // The agents were not stopped: their work is done, only nobody reports it.
    await ground.missions.ended(undefined, TAKEN_OVER_WITHIN_MS + TAKEN_OVER_WITHIN_MS);
    const lost = ground.eventsSince().filter(({ type }) => type === 'AttemptLost').length;
    if (lost === 0) throw new Error('no attempt was taken over: nothing was tested');
    on.note(`${lost} attempts taken over after ${Math.round((performance.now() - stopped_ms) / 100) / 10} s`);
    await goOn();
    await eventually(async () => (await sumOf(OUT_OF_IT)) > before, {
      within_ms: TAKEN_OVER_WITHIN_MS,
      what: 'the executor that stood still was refused what it reports, or has found its leases lost and given its attempts up',
    });
    await on.recovered(performance.now());
    if ((await replica.log()).includes('dead-lettered')) throw new Error('the replica dead-lettered something');
  },
};

const slowReader: Fault = {
  id: 'T24.slow',
  broke: 'metrics stands still: who reads the log reads nothing for 10 s',
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const goOn = await stop(ground, 'metrics');
    const load = ground.missions.keepComing(EVERY_MS / 3);
    await delay(NATS_STOPPED_MS);
    await load.stop();
    // The others are not held up by it.
    await ground.missions.ended();
    await goOn();
    await on.recovered(performance.now());
  },
};

/** Nobody else is there to take what it does not. */
const fullHands: Fault = {
  id: 'T24.behind',
  broke: `the only planner stands still until more than ${HANDS_FULL} events wait for it`,
  needs: ['linux'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const goOn = await stop(ground, 'planner');
    const behind = await asAdministrator(ground, async ({ behindOf }) => {
      for (let handed_in = 0; handed_in <= HANDS_FULL; handed_in += WAVE) await ground.missions.wave(WAVE);
      return eventually(
        async () => {
          const waiting = await behindOf('planner-react');
          return waiting > HANDS_FULL && waiting;
        },
        { within_ms: COPIED_WITHIN_MS, what: `more than ${HANDS_FULL} events wait for the planner` },
      );
    });
    await goOn();
    on.note(`${behind} events waited`);
    await on.recovered(performance.now(), { within_ms: WORKED_OFF_WITHIN_MS });
  },
};

export const pauseFaults: readonly Fault[] = [stoppedLeader, stoppedNats, blockedLoop, stoppedExecutor, slowReader, fullHands];
