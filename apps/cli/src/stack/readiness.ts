/** Every service has said itself that it can work; where one does not, its own log says why. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CliProblem, EXIT } from '../exit-codes.ts';
import type { Home } from './home.ts';

/** Eight processes start side by side; on a busy machine with two cores that takes a while. */
const READY_MS_MAX = 120_000;
const ASK_MS_MAX = 2_000;
const POLL_MS = 100;
const TAIL_BYTES = 4_000;
const TAIL_LINES = 12;

const texts = z.record(z.string(), z.string()).default({});
const readySchema = z.object({ notes: texts, away: texts });
export type Readiness =
  | {
      readonly ready: true;
      readonly notes: Readonly<Record<string, string>>;
      /** What it goes on without for now. */
      readonly away: Readonly<Record<string, string>>;
    }
  | { readonly ready: false; readonly why: string };

export async function readiness(url: string): Promise<Readiness> {
  try {
    const response = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(ASK_MS_MAX) });
    const body = await response.text();
    return response.ok
      ? { ready: true, ...readySchema.parse(JSON.parse(body)) }
      : { ready: false, why: `${String(response.status)} ${body.slice(0, 300)}` };
  } catch (error) {
    const { message } = ((error as Error).cause ?? error) as Error;
    return { ready: false, why: `does not answer: ${message}` };
  }
}

/** Bus and log contradict each other: nobody but a person can decide that, and for that the rest has to run. */
const HALTED = 'bus and log contradict each other';

/** Resolves to whether the relay is halted. */
export async function allReady(
  services: Readonly<Record<string, string>>,
  home: Home,
  aborted: AbortSignal,
): Promise<{ readonly halted: boolean }> {
  let halted = false;
  const deadline = performance.now() + READY_MS_MAX;
  const waiting = new Map(Object.entries(services));
  for (;;) {
    const asked = await Promise.all([...waiting].map(async ([name, url]) => ({ name, answer: await readiness(url) })));
    aborted.throwIfAborted();
    for (const { name, answer } of asked) {
      const is_halted = !answer.ready && answer.why.includes(HALTED);
      halted ||= is_halted;
      if (answer.ready || is_halted) waiting.delete(name);
    }
    if (waiting.size === 0) return { halted };
    if (performance.now() > deadline) {
      const late = asked.flatMap(({ name, answer }) =>
        answer.ready ? [] : [`${name} is not ready (${answer.why}); the end of its log:\n${logTail(home, name)}`],
      );
      throw new CliProblem(
        EXIT.unreachable,
        late.join('\n'),
        `look into ${home.logs}; if the files there do not say it, run \`npm run build\` and \`baton up\` again`,
      );
    }
    await delay(POLL_MS);
  }
}

/** The last lines of a part's log. */
export function logTail(home: Home, part: string): string {
  try {
    const file = openSync(join(home.logs, `${part}.log`), 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .slice(-TAIL_LINES)
        .map((line) => `    ${line}`)
        .join('\n');
    } finally {
      closeSync(file);
    }
  } catch {
    return '    (there is none)';
  }
}
