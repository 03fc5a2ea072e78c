/** What missions cost that wait for a person's answer: processor time and memory of the whole stack while nothing happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { runLoad } from '../load.ts';
import { stackHome, type BenchStack } from '../stack.ts';
import { memoryMb } from '../usage.ts';
import { sized, type Figure, type Part } from './figure.ts';
import { cpuUsed, driving, onHome, settled } from './grown.ts';

const WAITING = 1_000;
const WAITING_LARGE = 10_000;
const LOOK_MS = 20_000;
const PERCENT = 100;
const CPU_PERCENT_MAX = 2;
/** Heaps shrink and tables are vacuumed for a while after many missions: that is the price of doing, not of waiting. */
const CALM_MS = 60_000;
/** The states that a service keeps of it; the streams it knows are limited in number, so this does not go on for ever. */
const MB_PER_1000_MAX = 50;
const MS_PER_S = 1_000;
const IN_FLIGHT = 64;
const WARM_UP = 200;

export const idle: Part = {
  name: 'idle',
  run: async (options) => {
    const home = await stackHome();
    return onHome(home, async () => {
      const stack = await home.up();
      // With its code compiled and its buffers made: only what waits is to be the difference.
      await driving(stack, {}, ({ mission }) => runLoad(mission, { name: 'warm_up', total: WARM_UP, in_flight: IN_FLIGHT }));
      const before = await measured(stack);
      const total = sized(options.large ? WAITING_LARGE : WAITING, options);
      await driving(stack, { answers: false }, ({ mission }) =>
        runLoad(mission, { name: 'waiting', total, in_flight: IN_FLIGHT }),
      );
      await delay(CALM_MS);
      const waiting = await measured(stack);
      const cpu = { unit: '% of one processor', better: 'less' } as const;
      const of = total.toLocaleString('en-US');
      const figures: Figure[] = [
        {
          scenario: 'idle, nothing waits: CPU',
          figure: before.cpu_percent,
          ...cpu,
          limit_is: 'none: what waiting is held against',
        },
        {
          scenario: `idle, ${of} missions wait for approval: CPU`,
          figure: waiting.cpu_percent,
          ...cpu,
          limit: before.cpu_percent + CPU_PERCENT_MAX,
          limit_is: `${before.cpu_percent.toFixed(1)}% when nothing waited, and ${String(CPU_PERCENT_MAX)}% for those that wait`,
        },
        {
          scenario: `idle, ${of} missions wait for approval: memory`,
          figure: waiting.memory_mb,
          unit: 'MB',
          limit: before.memory_mb + (total / 1_000) * MB_PER_1000_MAX,
          better: 'less',
          limit_is: `${before.memory_mb.toFixed(0)} MB when nothing waited, and ${String(MB_PER_1000_MAX)} MB per 1,000`,
        },
      ];
      return figures;
    });
  },
};

interface Idle {
  readonly cpu_percent: number;
  readonly memory_mb: number;
}

async function measured(stack: BenchStack): Promise<Idle> {
  await settled(stack);
  const cpu_s = await cpuUsed(stack.supervisor_pid, LOOK_MS);
  return {
    cpu_percent: (cpu_s / (LOOK_MS / MS_PER_S)) * PERCENT,
    memory_mb: await memoryMb({ stack: stack.supervisor_pid }),
  };
}
