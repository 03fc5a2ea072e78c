/** File systems of a test's own: one whose power can be cut, and one that is full when somebody says so. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@baton/tools';
import { isAlive } from '../baton.ts';
import type { Ground } from './ground.ts';

const run = promisify(execFile);

/** FS_IOC_SHUTDOWN with NOLOGFLUSH: nothing that is still in memory gets to the disk any more, the journal included. */
const CUT_POWER = 'open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die "ioctl: $!"';
const UNMOUNTED_WITHIN_MS = 20_000;
const FILLER = 'filler';
const FILLER_CHUNK_BYTES = 1_048_576;
const FILLER_CHUNK_BYTES_MIN = 512;

export interface LoopDisk {
  /** As if the plug were pulled: what was not on the disk is gone, and so is every process. Mounted again when it resolves. */
  cutPower(): Promise<void>;
}

/** The whole home of the stack lies on it. To be called before the stack is started. */
export async function homeOnLoopDisk({ baton, cleanup }: Ground, megabytes: number): Promise<LoopDisk> {
  const image = join(baton.directory, 'disk.img');
  await run('truncate', ['--size', `${megabytes}M`, image]);
  await run('mkfs.ext4', ['-q', '-F', image]);
  const mount = (): Promise<unknown> => run('mount', ['-o', 'loop', image, baton.home]);
  await mkdir(baton.home, { recursive: true });
  await mount();
  await chmod(baton.home, 0o755);
  cleanup.add(() => unmount(baton.home));
  cleanup.add(() => baton.run('down'));
  return {
    cutPower: async () => {
      const { supervisor, processes } = await baton.stack();
      const pids = Object.values(processes).map(({ pid }) => pid);
      const all = [...pids, ...(await descendants(pids))];
      // It would start again what dies.
      process.kill(supervisor.pid, 'SIGKILL');
      await run('perl', ['-e', CUT_POWER, baton.home]);
      for (const pid of all) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      await eventually(() => !all.some(isAlive), { within_ms: UNMOUNTED_WITHIN_MS, what: 'everything is dead' });
      await unmount(baton.home);
      await mount();
    },
  };
}

async function unmount(directory: string): Promise<void> {
  await eventually(
    () =>
      run('umount', [directory]).then(
        () => true,
        (error: Error) => {
          if (error.message.includes('not mounted')) return true;
          throw error;
        },
      ),
    { within_ms: UNMOUNTED_WITHIN_MS, what: `${directory} is unmounted` },
  );
}

/** Descendants of processes, as /proc has them. */
export async function descendants(roots: readonly number[]): Promise<readonly number[]> {
  const parents = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
        return { pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
      }),
  );
  const found = new Set(roots);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].filter((pid) => !roots.includes(pid));
}

export interface SmallDisk {
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** In memory, at `directory`. To be called before the stack is started. */
export async function smallDisk({ baton, cleanup }: Ground, directory: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(directory, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', directory]);
  cleanup.add(() => unmount(directory));
  cleanup.add(() => baton.run('down'));
  const filler = join(directory, FILLER);
  return {
    fill: async () => {
      const file = await open(filler, 'a');
      try {
        for (let bytes = FILLER_CHUNK_BYTES; bytes >= FILLER_CHUNK_BYTES_MIN;) {
          try {
            await file.write(Buffer.alloc(bytes));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            bytes /= 2;
          }
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler, { force: true }),
  };
}
