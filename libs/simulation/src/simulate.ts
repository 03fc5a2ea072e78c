/** `npm run simulate -- --missions N --seed S [--seeds COUNT]`: runs seeds until one breaks a promise, and tells what happened. */
import { parseArgs } from 'node:util';
import { planOf, type Plan } from './faults.ts';
import { addTo, newTally, report } from './report.ts';
import { explained } from './shrink.ts';
import { BrokenPromise } from './broken-promise.ts';
import { simulate } from './simulation.ts';

const USAGE = `npm run simulate -- [--seed S] [--seeds COUNT] [--missions N]    runs the seeds S … S + COUNT - 1
npm run simulate -- --plan '<plan>'                               runs a plan that a failure printed`;
const PROGRESS_SEEDS = 500;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Null: only how to use it was asked for. */
function asked(): readonly Plan[] | null {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      missions: { type: 'string', default: '3' },
      plan: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.plan !== undefined) return [JSON.parse(values.plan) as Plan];
  const [seed, seeds, missions] = [values.seed, values.seeds, values.missions].map((text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${text} must be a whole number, at least 1\n${USAGE}`);
    return number;
  }) as [number, number, number];
  return Array.from({ length: seeds }, (_, index) => planOf(seed + index, missions));
}

async function main(): Promise<number> {
  const plans = asked();
  if (plans === null) {
    say(USAGE);
    return 0;
  }
  const tally = newTally();
  const began = performance.now();
  for (const plan of plans) {
    try {
      addTo(tally, await simulate(plan));
    } catch (error) {
      if (!(error instanceof BrokenPromise)) throw error;
      say(report(tally, performance.now() - began));
      say(`\nA promise is broken.\n${await explained({ plan, cause: error.message })}`);
      return 1;
    }
    if (tally.seeds % PROGRESS_SEEDS === 0 && tally.seeds < plans.length) say(`${tally.seeds} of ${plans.length} seeds hold`);
  }
  say(report(tally, performance.now() - began));
  say(`No promise was broken by ${plans.length === 1 ? `seed ${plans[0]!.seed}` : `any of ${plans.length} seeds`}.`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
