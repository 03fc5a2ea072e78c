/** Missions a second on a log that already holds many others, against the same stack when it was empty. */
import { runLoad } from '../load.ts';
import { stackHome, type BenchStack } from '../stack.ts';
import { median, sized, type Figure, type Options, type Part } from './figure.ts';
import { driving, growTo, onHome, settled } from './grown.ts';
import { readLog } from './recorded.ts';

const MISSIONS = 1_000;
const IN_FLIGHT = 256;
const WARM_UP = 300;
const TIMES = 3;
const EVENTS = [10_000, 100_000] as const;
const EVENTS_LARGE = [...EVENTS, 1_000_000] as const;
/** "Flat": within a tenth of the empty store. */
const SHARE_MIN = 0.9;

export const growth: Part = {
  name: 'growth',
  run: async (options) => {
    const home = await stackHome();
    return onHome(home, async () => {
      let stack = await home.up();
      const empty = await missionsPerSecond(stack, options);
      const figures: Figure[] = [
        {
          scenario: `missions, ${String(IN_FLIGHT)} in flight, empty store`,
          figure: empty,
          unit: 'missions/s',
          better: 'more',
          limit_is: 'none: what the larger stores are held against',
        },
      ];
      // Copied again and again: what this very stack has recorded.
      const recorded = await readLog(stack);
      for (const events of options.large ? EVENTS_LARGE : EVENTS) {
        const started = performance.now();
        const end = await growTo(home, stack, recorded, events);
        options.say(`  filled to ${String(end.position)} events in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
        stack = await home.up();
        figures.push({
          scenario: `the same, ${end.position.toLocaleString('en-US')} events stored before`,
          figure: await missionsPerSecond(stack, options),
          unit: 'missions/s',
          limit: empty * SHARE_MIN,
          better: 'more',
          limit_is: 'within 10% of the empty store',
        });
        // Throws if the copies, or what was appended behind them, are not a whole log.
        await home.baton('verify');
      }
      return figures;
    });
  },
};

function missionsPerSecond(stack: BenchStack, options: Options): Promise<number> {
  return driving(stack, {}, async ({ mission }) => {
    await settled(stack);
    await runLoad(mission, { name: 'warm_up', total: WARM_UP, in_flight: 32 });
    const total = sized(MISSIONS, options);
    const rates: number[] = [];
    for (let nth = 0; nth < TIMES; nth++) {
      const { seconds } = await runLoad(mission, { name: 'growth', total, in_flight: IN_FLIGHT });
      rates.push(total / seconds);
    }
    await settled(stack);
    return median(rates);
  });
}
