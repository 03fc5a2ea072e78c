import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { identify, signal, stillRuns } from './process-identity.ts';

describe('a process', () => {
  it('is told from another one with the same number by when it started', () => {
    const ourselves = identify(process.pid)!;
    expect(stillRuns(ourselves)).toBe(true);
    expect(stillRuns({ ...ourselves, started: `${ourselves.started}-earlier` })).toBe(false);
  });

  it("is not signalled when the number is somebody else's by now", () => {
    expect(signal({ pid: process.pid, started: 'before the last boot' }, 'SIGKILL')).toBe(false);
  });

  it('does not run any more once it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const identity = identify(child.pid!)!;
    expect(stillRuns(identity)).toBe(true);
    const ended = once(child, 'exit');
    expect(signal(identity, 'SIGKILL')).toBe(true);
    await ended;
    expect(stillRuns(identity)).toBe(false);
  });
});
