/** Whether the memory of every process comes to an end of its growth under a load that goes on. Some minutes, so only of `--large`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Driver } from '../driver.ts';
import { stackHome, type BenchStack } from '../stack.ts';
import { memoryMb } from '../usage.ts';
import type { Figure, Part } from './figure.ts';
import { driving, onHome } from './grown.ts';

const IN_FLIGHT = 64;
const MINUTES = 10;
const LOOK_MS = 60_000;
/** From half of the time on, nothing grows by more than this; what was compiled and buffered at the beginning has its place by then. */
const GROWTH_PERCENT_MAX = 15;
/** Of a process that small, a page more or less is a percentage. */
const SMALL_MB = 20;
const PERCENT = 100;

/** Name of the process → MB. */
type Memory = ReadonlyMap<string, number>;

export const memory: Part = {
  name: 'memory',
  run: async (options) => {
    if (!options.large) return [];
    const home = await stackHome();
    return onHome(home, async () => {
      const stack = await home.up();
      const looks = await driving(stack, {}, (driver) => underLoad(stack, driver, options.say));
      const half = looks[Math.floor(looks.length / 2) - 1] as Memory;
      const end = looks.at(-1) as Memory;
      return [...end].filter(([, mb]) => mb > SMALL_MB).map(([name, mb]) => grown(name, half.get(name) ?? mb, mb));
    });
  },
};

const grown = (name: string, half_mb: number, end_mb: number): Figure => ({
  scenario: `memory of ${name} after ${String(MINUTES)} minutes with ${String(IN_FLIGHT)} missions in flight`,
  figure: end_mb,
  unit: 'MB',
  better: 'less',
  limit: half_mb * (1 + GROWTH_PERCENT_MAX / PERCENT),
  limit_is: `${half_mb.toFixed(0)} MB after half of the time, and ${String(GROWTH_PERCENT_MAX)}%`,
});

async function underLoad(stack: BenchStack, { mission }: Driver, say: (line: string) => void): Promise<readonly Memory[]> {
  let done = 0;
  let over = false;
  const lane = async (): Promise<void> => {
    while (!over) {
      await mission();
      done++;
    }
  };
  const lanes = Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const looks: Memory[] = [];
  for (let minute = 1; minute <= MINUTES; minute++) {
    // A mission that fails ends the run at once.
    await Promise.race([delay(LOOK_MS), lanes]);
    const look = await memoryOf(stack);
    looks.push(look);
    const all = [...look].map(([name, mb]) => `${name} ${mb.toFixed(0)}`).join(', ');
    say(`  ${String(minute)} min, ${String(done)} missions: ${all}`);
  }
  over = true;
  await lanes;
  return looks;
}

async function memoryOf({ pids }: BenchStack): Promise<Memory> {
  const looks = Object.entries(pids).map(async ([name, pid]) => [name, await memoryMb({ [name]: pid })] as const);
  return new Map(await Promise.all(looks));
}
