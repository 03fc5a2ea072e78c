import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { isKnownToBeDead, placeOfProcesses } from './predecessors.ts';

const HERE = '0123456789ab';
const nameOf = (pid: number | undefined, place = HERE): string => `host-1-${place}-${String(pid)}-89abcdef`;

async function pidOfOneThatEnded(): Promise<number | undefined> {
  const child = spawn(process.execPath, ['--eval', '']);
  await once(child, 'exit');
  return child.pid;
}

describe('a process that held something', () => {
  it('is known to be dead when its number is free where it was given out', async () => {
    expect(isKnownToBeDead(nameOf(await pidOfOneThatEnded()), HERE)).toBe(true);
  });

  it('is not while there is one with that number, be it another one or of another user', () => {
    expect(isKnownToBeDead(nameOf(process.pid), HERE)).toBe(false);
    expect(isKnownToBeDead(nameOf(1), HERE)).toBe(false);
  });

  it('is not where the number says nothing: another machine, container or boot, a name by hand, a system that does not tell', async () => {
    const pid = await pidOfOneThatEnded();
    expect(isKnownToBeDead(nameOf(pid, 'ba9876543210'), HERE)).toBe(false);
    expect(isKnownToBeDead(nameOf(pid), null)).toBe(false);
    for (const name of ['', 'executor-1', `host-${String(pid)}-89abcdef`, `${nameOf(pid)} release-1`, nameOf(0), nameOf(-7)])
      expect(isKnownToBeDead(name, HERE)).toBe(false);
  });

  it('is somewhere that has a name, the same for all of one machine, where the system tells it', () => {
    const place = placeOfProcesses();
    expect(place !== null && /^[0-9a-f]{12}$/.test(place)).toBe(process.platform === 'linux');
    expect(placeOfProcesses()).toBe(place);
  });
});
