/** How long one waits for a stack, and for one service of it that was ended and is started again. */
import { performance } from 'node:perf_hooks';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@baton/tools';
import { z } from 'zod';
import { stackHome } from '../stack.ts';
import { startReplica } from './replica.ts';
import type { Part } from './figure.ts';

/** Of a person who waits in front of a terminal, and of a mission that waits for a service that died (ten seconds for all of it). */
const STACK_S_MAX = 10;
const SERVICE_S_MAX = 2;
const BACK_WITHIN_MS = 60_000;
const MS_PER_S = 1_000;

const stackSchema = z.object({
  services: z.record(z.string(), z.string()),
  processes: z.record(z.string(), z.object({ pid: z.number(), restarts: z.number() })),
});

const secondsOf = async (run: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await run();
  return (performance.now() - started) / MS_PER_S;
};

export const startUp: Part = {
  name: 'start-up',
  run: async () => {
    const home = await stackHome();
    try {
      const first = await secondsOf(home.up);
      await home.down();
      const again = await secondsOf(home.up);
      const { planner = '' } = stackSchema.parse(JSON.parse(await readFile(join(home.directory, 'stack.json'), 'utf8'))).services;
      const replica = await secondsOf(async () => (await startReplica(home, 'planner')).stop());
      const killed = await secondsOf(() => killedAndBack(home.directory, planner));
      const stack = { unit: 's', better: 'less', limit: STACK_S_MAX, limit_is: 'how long a person likes to wait' } as const;
      const service = {
        unit: 's',
        better: 'less',
        limit: SERVICE_S_MAX,
        limit_is: 'a share of the 10 s after which missions go on when a process died',
      } as const;
      return [
        { scenario: 'baton up, an empty directory, until ready', figure: first, ...stack },
        { scenario: 'baton up again, until ready', figure: again, ...stack },
        { scenario: 'a second planner, started, ready and ended', figure: replica, ...service },
        { scenario: 'a killed planner, until it is ready again', figure: killed, ...service },
      ];
    } finally {
      await home.remove();
    }
  },
};

async function killedAndBack(directory: string, url: string): Promise<void> {
  const planner = async (): Promise<{ pid: number; restarts: number } | undefined> =>
    stackSchema.parse(JSON.parse(await readFile(join(directory, 'stack.json'), 'utf8'))).processes['planner'];
  const before = await planner();
  if (before === undefined) throw new Error('the stack has no planner');
  process.kill(before.pid, 'SIGKILL');
  await eventually(async () => ((await planner())?.restarts ?? 0) > before.restarts && (await fetch(`${url}/readyz`)).ok, {
    within_ms: BACK_WITHIN_MS,
    what: 'the planner is ready again',
  });
}
