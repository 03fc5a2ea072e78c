import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runProcess, type ProcessRun } from './process-group.ts';
import { tailOf } from './tail.ts';

const run = (script: string, changes: Partial<ProcessRun> = {}) =>
  runProcess({
    command: ['sh', '-c', script],
    directory: tmpdir(),
    environment: { PATH: process.env['PATH'] ?? '' },
    input: '',
    timeout_ms: 30_000,
    kill_grace_ms: 100,
    output_bytes_max: 1_000,
    signal: new AbortController().signal,
    ...changes,
  });
/** A zombie has no command line any more; it may stay for ever where process 1 does not collect it. */
const isRunning = (id: string): Promise<boolean> =>
  readFile(`/proc/${id}/cmdline`, 'utf8').then(
    (line) => line !== '',
    () => false,
  );

describe('a program in a group of its own', () => {
  it('is told from what it printed on which stream', async () => {
    const end = await run('echo out; echo err >&2; exit 5');
    expect(end).toMatchObject({ status: 'exited', exit_code: 5, dropped_bytes: 0 });
    expect(end.stdout.toString()).toBe('out\n');
    expect(end.output.toString()).toContain('err');
  });

  it('is given a chance to end by itself before it is killed', async () => {
    const end = await run('trap "echo tidied; exit 0" TERM; echo ready; while :; do sleep 0.01; done', {
      timeout_ms: 300,
      kill_grace_ms: 20_000,
    });
    expect(end.status).toBe('timed-out');
    expect(end.output.toString()).toMatch(/^ready\n[^]*tidied\n$/);
    expect(end.duration_ms).toBeLessThan(15_000);
  });

  it('does not keep the caller waiting by a daemon that holds its output open, and leaves none in its session', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'process-group-'));
    const child = `sh -c 'trap "" TERM HUP; echo $$ > child; while :; do sleep 1000; done'`;
    const end = await run(`${child} & while [ ! -s child ]; do sleep 0.01; done; cat child; exit 0`, { directory });
    expect(end).toMatchObject({ status: 'exited', exit_code: 0 });
    const id = end.output.toString().trim();
    expect(id).toMatch(/^\d+$/);
    expect(await isRunning(id)).toBe(false);
    expect(await isRunning(String(process.pid))).toBe(true);
    await rm(directory, { recursive: true });
  });

  it('keeps the last bytes of its output and counts the others', async () => {
    const end = await run('i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done');
    expect(end.output).toHaveLength(1_000);
    expect(end.output.toString().endsWith('line 999\n')).toBe(true);
    expect(end.dropped_bytes).toBe(8_890 - 1_000);
  });

  it('counts a signal as shells do', async () => {
    expect(await run('kill -KILL $$')).toMatchObject({ status: 'exited', exit_code: 137 });
  });

  it('that cannot be started says why', async () => {
    expect(await run('', { command: ['no-such-program'] })).toMatchObject({ status: 'not-started', code: 'ENOENT' });
    expect(await run('', { command: ['sh\0'] })).toMatchObject({ status: 'not-started', code: 'ERR_INVALID_ARG_VALUE' });
  });
});

describe('the tail of a text', () => {
  it('begins with a whole line where it can', () => {
    expect(tailOf('first\nsecond\nthird\n', 14)).toBe('second\nthird');
    expect(tailOf('one long line', 4)).toBe('line');
    expect(tailOf('short\n', 100)).toBe('short');
  });
});
