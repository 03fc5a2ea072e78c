/** From a failure to the least that still fails: fewer missions, less disorder, fewer faults; and the story of it in words. */
import { BrokenPromise } from './broken-promise.ts';
import type { Plan } from './faults.ts';
import { missionScript } from './script.ts';
import type { Wraps } from './service-process.ts';
import { simulate } from './simulation.ts';

export interface Failure {
  readonly plan: Plan;
  readonly cause: string;
}
export interface Shrunk extends Failure {
  readonly runs: number;
}

/** Makes planted bugs anew for each run: they remember nothing of the run before. */
export type MakeWraps = () => Wraps;
const none: MakeWraps = () => ({});

const RUNS_MAX = 400;
const TRACE_LINES_MAX = 80;
const SOONER = [1, 0.8, 0.6, 0.45, 0.3, 0.2];

/** What is broken under this plan; null = nothing is. */
export async function failureOf(plan: Plan, wraps: MakeWraps = none): Promise<string | null> {
  try {
    await simulate(plan, { wraps: wraps() });
    return null;
  } catch (error) {
    if (error instanceof BrokenPromise) return error.message;
    throw error;
  }
}

export async function shrink(failure: Failure, wraps: MakeWraps = none): Promise<Shrunk> {
  let best = failure;
  let runs = 0;
  /** True = it still fails with less: that is what is looked at from now on. */
  async function still(plan: Plan): Promise<boolean> {
    if (runs >= RUNS_MAX) return false;
    runs += 1;
    const cause = await failureOf(plan, wraps);
    if (cause !== null) best = { plan, cause };
    return cause !== null;
  }
  /** With fewer missions everything comes sooner: the faults have to as well, or they meet nothing. */
  async function stillWith(missions: readonly number[]): Promise<boolean> {
    for (const sooner of SOONER) {
      const faults = best.plan.faults.map((fault) => ({ ...fault, at: Math.floor(fault.at * sooner) }));
      if (await still({ ...best.plan, missions, faults })) return true;
    }
    return false;
  }
  for (let smaller = true; smaller && runs < RUNS_MAX;) {
    const before = best.plan;
    for (const mission of before.missions) if (best.plan.missions.length > 1) await stillWith([mission]);
    for (const mission of before.missions)
      if (best.plan.missions.length > 1) await stillWith(best.plan.missions.filter((one) => one !== mission));
    for (const disorder of [0, 0.3]) if (disorder < best.plan.disorder) await still({ ...best.plan, disorder });
    for (let size = Math.ceil(best.plan.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = 0; at < best.plan.faults.length;)
        if (!(await still({ ...best.plan, faults: best.plan.faults.toSpliced(at, size) }))) at += size;
    smaller = best.plan !== before;
  }
  return { ...best, runs };
}

/** Seed, plan, cause and the last steps, for a person; shrinks first. */
export async function explained(failure: Failure, wraps: MakeWraps = none): Promise<string> {
  const { plan, cause, runs } = await shrink(failure, wraps);
  const lines: string[] = [];
  // Heartbeats would fill the page: what is said again is said once.
  const note = (line: string): void => {
    if (whatOf(lines.at(-1)) !== whatOf(line)) lines.push(line);
  };
  await simulate(plan, { wraps: wraps(), tell: (line) => note(line()) }).catch(() => undefined);
  const names = plan.missions.map((index) => [missionScript(plan.seed, index).id, `m${index}`] as const);
  const readable = (text: string): string => names.reduce((shown, [id, name]) => shown.replaceAll(id, name), text);
  const sizes = ({ missions, faults }: Plan): string => `${missions.length} mission(s) and ${faults.length} fault(s)`;
  return [
    `seed ${failure.plan.seed}: ${readable(cause)}`,
    `shrunk from ${sizes(failure.plan)} to ${sizes(plan)} in ${runs} runs`,
    ...plan.faults.map(({ at, kind, n }) => `  from step ${at}: ${kind} (${n})`),
    `the last ${Math.min(TRACE_LINES_MAX, lines.length)} of ${lines.length} steps:`,
    ...lines.slice(-TRACE_LINES_MAX).map((line) => `  ${readable(line)}`),
    `again: npm run simulate -- --plan '${JSON.stringify(plan)}'`,
  ].join('\n');
}

/** Without the time. */
const whatOf = (line: string | undefined): string | undefined => line?.slice(line.indexOf(' s  '));
