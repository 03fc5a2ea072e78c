/** Two processes of each service instead of one: on one machine they cannot be faster than its processors, and must not be much slower. */
import type { ServiceName } from '@baton/contracts';
import { runLoad } from '../load.ts';
import { stackHome, type BenchStack } from '../stack.ts';
import { sized, type Part } from './figure.ts';
import { driving, onHome, settled } from './grown.ts';
import { startReplica, type Replica } from './replica.ts';

const DOUBLED: readonly ServiceName[] = ['intake', 'planner', 'executor', 'reviewer', 'approval', 'release', 'relay'];
const MISSIONS = 1_000;
const WARM_UP = 300;
const IN_FLIGHT = 256;
const SHARE_MIN = 0.9;

export const replicas: Part = {
  name: 'replicas',
  run: async (options) => {
    const home = await stackHome();
    return onHome(home, async () => {
      const stack = await home.up();
      const load = { name: 'replicas', total: sized(MISSIONS, options), in_flight: IN_FLIGHT };
      const one = await missionsPerSecond(stack, load);
      const second: Replica[] = [];
      try {
        for (const service of DOUBLED) second.push(await startReplica(home, service));
        const two = await missionsPerSecond(stack, load);
        const both = { unit: 'missions/s', better: 'more' } as const;
        return [
          { scenario: '1 process of each service', figure: one, ...both, limit_is: 'none: what two are held against' },
          {
            scenario: `2 of each: ${DOUBLED.join(', ')}`,
            figure: two,
            ...both,
            limit: one * SHARE_MIN,
            limit_is: 'within 10% of one: the processors of this machine are the same for both',
          },
        ];
      } finally {
        await Promise.all(second.map((replica) => replica.stop()));
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
