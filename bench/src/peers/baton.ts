/** Baton as `npm run bench` measures it: the stack that `baton up` starts, driven over HTTP and NATS. */
import { setTimeout as delay } from 'node:timers/promises';
import { openHistory } from '@baton/event-store';
import { findPostgres } from '@baton/tools';
import { startDriver } from '../driver.ts';
import { runLoad } from '../load.ts';
import { startStack, type BenchStack } from '../stack.ts';
import type { Engine, EngineKind } from './engine.ts';

/** Of a mission with one task, a review and an approval. */
const EVENTS_PER_MISSION = 21;
const RECOVERY_MS_MAX = 60_000;
const POLL_MS = 100;

export const BATON: EngineKind = {
  name: 'baton',
  driver: 'outside',
  differs:
    `keeps ${String(EVENTS_PER_MISSION)} hash-chained events per mission; its agent writes 500 bytes, the other steps leave their own plan, receipts, verdict and landing; every service, the relay, metrics, Postgres and ` +
    'nats-server are processes of their own, and the supervisor counts too; the bus syncs every 2 minutes, for every event is in Postgres before it is there; ' +
    'the approval is bound to content by digest, opened by policy; the driver speaks HTTP and NATS',
  async start(): Promise<Engine> {
    const stack = await startStack();
    try {
      const driver = await startDriver(stack);
      return {
        // The supervisor is the parent of all the others.
        pids: { stack: stack.supervisor_pid },
        says: {
          processes: String(Object.keys(stack.pids).length + 1),
          server_version: (await findPostgres({ log: () => undefined })).version,
          'nats-server': driver.nats_version,
        },
        run: (load) => runLoad(driver.mission, load),
        provesDurable: (ids) => provesDurable(stack, ids),
        stop: async () => {
          await driver.close();
          await stack.stop();
        },
      };
    } catch (error) {
      await stack.stop();
      throw error;
    }
  },
};

/** The supervisor starts the killed Postgres again. */
async function provesDurable(stack: BenchStack, ids: readonly string[]): Promise<void> {
  process.kill(stack.pids['postgres'] ?? Number.NaN, 'SIGKILL');
  const history = openHistory({
    url: stack.auditor_url,
    application_name: 'baton-bench',
    connect_timeout_ms: RECOVERY_MS_MAX,
    statement_timeout_ms: RECOVERY_MS_MAX,
  });
  try {
    const deadline = performance.now() + RECOVERY_MS_MAX;
    while (
      !(await history.now().then(
        () => true,
        () => false,
      ))
    ) {
      if (performance.now() > deadline) throw new Error(`Postgres was not back within ${String(RECOVERY_MS_MAX)} ms`);
      await delay(POLL_MS);
    }
    for (const id of ids) {
      const events = await history.missionEvents(id);
      // An attempt that had to be made again leaves more of them.
      if (events.length < EVENTS_PER_MISSION || events.at(-1)?.type !== 'MissionCompleted') {
        throw new Error(`mission ${id} has only ${String(events.length)} of ${String(EVENTS_PER_MISSION)} events after the kill`);
      }
    }
  } finally {
    await history.close();
  }
}
