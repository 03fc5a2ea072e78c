/** What a machine has to offer for a test; where it does not, the test says so and is skipped by that reason. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { platform } from 'node:process';
import { promisify } from 'node:util';
import { findPostgres } from '@baton/tools';

const run = promisify(execFile);

export type Need = 'linux' | 'root-mounts' | 'perl' | 'netns' | 'faketime' | 'pg_dump';

const LOOP_CONTROL = '/dev/loop-control';
const LIBRARIES = '/usr/lib';

const works = async (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, [...args]).then(
    () => true,
    () => false,
  );

const reasons: Readonly<Record<Need, () => Promise<string | null>>> = {
  linux: () => Promise.resolve(platform === 'linux' ? null : `needs Linux (/proc), this is ${platform}`),
  'root-mounts': async () => {
    if (process.getuid?.() !== 0) return 'needs root, to mount a file system';
    if (!(await works('mkfs.ext4', '-V'))) return 'needs mkfs.ext4 (Debian: e2fsprogs)';
    return existsSync(LOOP_CONTROL) ? null : `needs loop devices (${LOOP_CONTROL} is missing)`;
  },
  perl: async () => ((await works('perl', '-e', '1')) ? null : 'needs perl, for one ioctl'),
  netns: async () => {
    if (process.getuid?.() !== 0) return 'needs root, to make a network namespace';
    return (await works('ip', 'netns', 'list')) ? null : 'needs ip netns (Debian: iproute2)';
  },
  faketime: async () => ((await faketimeLibrary()) === null ? 'needs libfaketime (Debian: apt-get install libfaketime)' : null),
  pg_dump: async () => {
    const said = await run('pg_dump', ['--version']).catch(() => null);
    if (said === null || !(await works('pg_restore', '--version')))
      return 'needs pg_dump and pg_restore (Debian: postgresql-client)';
    const own = Number(/(\d+)/.exec(said.stdout)?.[1]);
    const { major } = await findPostgres({ log: () => undefined });
    return own >= major ? null : `needs pg_dump of Postgres ${major} or newer, this one is of ${own}`;
  },
};

/** Null = the machine has all of it. */
export async function missing(needs: readonly Need[]): Promise<string | null> {
  for (const need of needs) {
    const reason = await reasons[need]();
    if (reason !== null) return reason;
  }
  return null;
}

export async function faketimeLibrary(): Promise<string | null> {
  for (const directory of await readdir(LIBRARIES).catch(() => [])) {
    const library = join(LIBRARIES, directory, 'faketime', 'libfaketime.so.1');
    if (existsSync(library)) return library;
  }
  return null;
}
