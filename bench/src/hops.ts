/**
 * `npm run bench:hops`: where the time of one mission goes. From commit to commit, as the log's own clock saw it; and how often
 * each process was woken, with the processor time it took, as the kernel counts it (Linux).
 */
import { readdir, readFile } from 'node:fs/promises';
import { stdout } from 'node:process';
import { openHistory } from '@baton/event-store';
import { startDriver } from './driver.ts';
import { percentile, runLoad, type Done } from './load.ts';
import { startStack, type BenchStack } from './stack.ts';
import { family } from './usage.ts';

const WARM_UP = 300;
const MISSIONS = 200;
const EVERY_MS = 50;
const NANOSECONDS_PER_MS = 1e6;

interface Woken {
  readonly times: number;
  readonly cpu_ms: number;
}

const print = (line: string): void => void stdout.write(`${line}\n`);

const stack = await startStack();
try {
  const driver = await startDriver(stack);
  try {
    await runLoad(driver.mission, { name: 'warm up', total: WARM_UP, in_flight: 16 });
    const before = await wakeUps(stack);
    const { done } = await runLoad(driver.mission, { name: 'rate_20', total: MISSIONS, every_ms: EVERY_MS });
    const after = await wakeUps(stack);
    const took = done.map(({ took_ms }) => took_ms);
    print(`${MISSIONS} missions, one every ${EVERY_MS} ms: p50 ${percentile(took, 0.5).toFixed(1)} ms\n`);
    await printHops(stack, done);
    printWakeUps(before, after);
  } finally {
    await driver.close();
  }
} finally {
  await stack.stop();
}

/** Medians between the commits of a mission: appended together means the same time. */
async function printHops({ auditor_url }: BenchStack, done: readonly Done[]): Promise<void> {
  const history = openHistory({
    url: auditor_url,
    application_name: 'baton-bench',
    connect_timeout_ms: 5_000,
    statement_timeout_ms: 10_000,
  });
  const hops = new Map<string, number[]>();
  try {
    for (const { id } of done) {
      let last: { readonly type: string; readonly at_ms: number } | null = null;
      for (const { type, recorded_at } of await history.missionEvents(id)) {
        const at_ms = Date.parse(recorded_at) + Number(recorded_at.slice(23, 26)) / 1_000;
        if (last && at_ms !== last.at_ms) {
          const name = `${last.type} → ${type}`;
          hops.set(name, [...(hops.get(name) ?? []), at_ms - last.at_ms]);
        }
        last = { type, at_ms };
      }
    }
  } finally {
    await history.close();
  }
  print('from commit to commit                               p50 ms   p90 ms');
  for (const [name, gaps] of hops)
    print(`${name.padEnd(50)} ${percentile(gaps, 0.5).toFixed(2).padStart(7)} ${percentile(gaps, 0.9).toFixed(2).padStart(8)}`);
}

function printWakeUps(before: ReadonlyMap<string, Woken>, after: ReadonlyMap<string, Woken>): void {
  print('\nper mission       woken   CPU ms');
  let sum = { times: 0, cpu_ms: 0 };
  for (const [name, woken] of after) {
    const was = before.get(name) ?? { times: 0, cpu_ms: 0 };
    const times = (woken.times - was.times) / MISSIONS;
    const cpu_ms = (woken.cpu_ms - was.cpu_ms) / MISSIONS;
    sum = { times: sum.times + times, cpu_ms: sum.cpu_ms + cpu_ms };
    print(`${name.padEnd(15)} ${times.toFixed(1).padStart(7)} ${cpu_ms.toFixed(2).padStart(8)}`);
  }
  print(`${'all'.padEnd(15)} ${sum.times.toFixed(1).padStart(7)} ${sum.cpu_ms.toFixed(2).padStart(8)}`);
}

/** By part, over all its processes and threads: how often it went to sleep by itself, and the time it ran. */
async function wakeUps({ pids }: BenchStack): Promise<Map<string, Woken>> {
  const all = new Map<string, Woken>();
  for (const [name, pid] of Object.entries(pids)) {
    let times = 0;
    let cpu_ms = 0;
    for (const member of (await family([pid])).keys()) {
      for (const thread of await readdir(`/proc/${member}/task`).catch(() => [])) {
        const of = `/proc/${member}/task/${thread}`;
        const status = await readFile(`${of}/status`, 'utf8').catch(() => '');
        const schedstat = await readFile(`${of}/schedstat`, 'utf8').catch(() => '0');
        times += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        cpu_ms += Number(schedstat.split(' ')[0]) / NANOSECONDS_PER_MS;
      }
    }
    all.set(name, { times, cpu_ms });
  }
  return all;
}
