/** More processes of each service: on one machine they cannot be faster than its processors, and must not be much slower. */
import type { ServiceName } from '@baton/contracts';
import { runLoad } from '../load.ts';
import { stackHome, type BenchStack } from '../stack.ts';
import { sized, type Figure, type Part } from './figure.ts';
import { driving, onHome, settled } from './grown.ts';
import { startReplica, type Replica } from './replica.ts';

const REPLICATED: readonly ServiceName[] = ['intake', 'planner', 'executor', 'reviewer', 'approval', 'release', 'relay'];
const COUNTS = [1, 2, 4] as const;
const MISSIONS = 1_000;
const WARM_UP = 300;
const IN_FLIGHT = 256;
/** Of what one process of each does; every further one has a share of the memory and the connections. */
const SHARE_MIN: Readonly<Record<number, number>> = { 2: 0.9, 4: 0.8 };

export const replicas: Part = {
  name: 'replicas',
  run: async (options) => {
    const home = await stackHome();
    return onHome(home, async () => {
      const stack = await home.up();
      const load = { name: 'replicas', total: sized(MISSIONS, options), in_flight: IN_FLIGHT };
      const more: Replica[] = [];
      const figures: Figure[] = [];
      try {
        for (const count of COUNTS) {
          while (more.length < (count - 1) * REPLICATED.length)
            more.push(await startReplica(home, REPLICATED[more.length % REPLICATED.length] as ServiceName));
          const [one] = figures;
          const share = SHARE_MIN[count];
          figures.push({
            scenario: `${String(count)} ${count === 1 ? 'process' : 'processes'} each of ${REPLICATED.join(', ')}`,
            figure: await missionsPerSecond(stack, load),
            unit: 'missions/s',
            better: 'more',
            ...(one && share && { limit: one.figure * share }),
            limit_is: one
              ? `${String((share ?? 0) * 100)}% of one: the processors of this machine are the same`
              : 'none: what more are held against',
          });
        }
        return figures;
      } finally {
        await Promise.all(more.map((replica) => replica.stop()));
      }
    });
  },
};

async function missionsPerSecond(stack: BenchStack, load: Parameters<typeof runLoad>[1]): Promise<number> {
  return driving(stack, {}, async ({ mission }) => {
    await settled(stack);
    await runLoad(mission, { name: 'warm_up', total: WARM_UP, in_flight: 32 });
    return load.total / (await runLoad(mission, load)).seconds;
  });
}
