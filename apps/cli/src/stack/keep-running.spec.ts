import { describe, expect, it } from '@jest/globals';
import { backoffMs, keepRunning, type Running } from './keep-running.ts';

/** A part whose runs are ended by the spec. */
function part(fails: (start: number) => boolean = () => false) {
  const runs: { end: (how: string) => void; stopped: boolean }[] = [];
  let starts = 0;
  const started: (() => void)[] = [];
  return {
    runs,
    startedTimes: (times: number) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (runs.length >= times) resolve();
        };
        started.push(check);
        check();
      }),
    part: {
      name: 'part',
      start: (): Promise<Running> => {
        starts++;
        if (fails(starts)) return Promise.reject(new Error(`start ${String(starts)} fails`));
        let end: (how: string) => void = () => undefined;
        const ended = new Promise<string>((resolve) => {
          end = resolve;
        });
        const run = { end, stopped: false };
        runs.push(run);
        for (const check of started) check();
        return Promise.resolve({
          pid: starts,
          ended,
          stop: () => {
            run.stopped = true;
            end('stopped');
            return ended.then(() => undefined);
          },
        });
      },
    },
  };
}

describe('a part that is kept running', () => {
  const logged: string[] = [];
  const keep = {
    onStart: () => undefined,
    log: (event: string, fields: object) => void logged.push(`${event} ${JSON.stringify(fields)}`),
  };

  it('is started again when it ends, and the reason is logged', async () => {
    const { part: kept, runs, startedTimes } = part();
    const handle = await keepRunning(kept, keep);
    runs.at(0)!.end('signal SIGKILL');
    await startedTimes(2);
    expect(logged.join('\n')).toContain('signal SIGKILL');
    await handle.stop();
    expect(runs.at(1)!.stopped).toBe(true);
    expect(runs).toHaveLength(2);
  });

  it('is tried again when a later start fails', async () => {
    const { part: kept, runs, startedTimes } = part((start) => start === 2);
    const handle = await keepRunning(kept, keep);
    runs.at(0)!.end('exit code 1');
    await startedTimes(2);
    expect(logged.join('\n')).toContain('did not start: start 2 fails');
    await handle.stop();
  });

  it('refuses when its first start fails: whoever starts the stack has to know', async () => {
    await expect(keepRunning(part(() => true).part, keep)).rejects.toThrow('start 1 fails');
  });

  it('waits longer after each failure, up to a limit', () => {
    expect([1, 2, 3, 20].map(backoffMs)).toEqual([200, 400, 800, 3_000]);
  });
});
