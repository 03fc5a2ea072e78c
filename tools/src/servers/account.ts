/** Postgres refuses to run as root: as root it runs as an unprivileged account, in a place that account can reach. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, realpath, rmdir, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const ACCOUNTS = ['postgres', 'nobody'] as const;

// Where things go that lie out of reach, e.g. under /root (0700). /var/lib is never swept by the system, /var/tmp is.
const REACHABLE_PLACES = ['/var/lib/baton', '/var/tmp/baton'] as const;
const NAME_DIGEST_CHARS = 12;

/** Null when we are not root: then everything runs as we do. */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ACCOUNTS) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // Not on this machine; the next name may be.
    }
  }
  throw new Error(
    `Postgres does not run as root, and this machine has neither of the accounts ${ACCOUNTS.join(', ')}: add one, or run Baton as an ordinary user`,
  );
}

/** Asked of the system itself, so that modes, groups and access lists all count. */
export async function canEnter(directory: string, account: Account): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd -- "$0"', directory], { uid: account.uid, gid: account.gid, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/**
 * The real directory behind `wanted`, owned by the account. Where the account cannot get to `wanted`, the real one
 * lies in a reachable place and `wanted` becomes a link to it.
 */
export async function directoryFor(wanted: string, account: Account | null): Promise<string> {
  const path = resolve(wanted);
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => null);
  if (found?.isSymbolicLink()) return linkTarget(path);
  if (account === null || (await canEnter(dirname(path), account))) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (account) await chown(path, account.uid, account.gid);
    return realpath(path);
  }
  if (found !== null) await removeEmpty(path, account);
  const digest = createHash('sha256').update(path).digest('hex').slice(0, NAME_DIGEST_CHARS);
  const real = join(await reachablePlace(), `${basename(path)}-${digest}`);
  await mkdir(real, { recursive: true, mode: 0o700 });
  await chown(real, account.uid, account.gid);
  await symlink(real, path);
  return real;
}

async function linkTarget(link: string): Promise<string> {
  try {
    return await realpath(link);
  } catch (cause) {
    throw new Error(`${link} is a link to a directory that is gone: bring it back, or remove the link to start anew`, { cause });
  }
}

async function removeEmpty(path: string, account: Account): Promise<void> {
  if ((await readdir(path)).length === 0) return rmdir(path);
  throw new Error(
    `${path} holds files but cannot be reached by the account ${account.name} that Postgres runs as: make its parent directories enterable (chmod o+x), or choose another directory`,
  );
}

/** A directory of root's that everybody may enter; one that somebody else has prepared is not trusted. */
export async function reachablePlace(): Promise<string> {
  const failures: string[] = [];
  for (const place of REACHABLE_PLACES) {
    try {
      await mkdir(place, { recursive: true });
      const found = await lstat(place);
      if (!found.isDirectory() || found.uid !== 0) throw new Error('is not a directory of root');
      await chmod(place, 0o755);
      return place;
    } catch (error) {
      failures.push(`${place}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `no directory that an unprivileged account can enter:\n  ${failures.join('\n  ')}\nrun Baton as an ordinary user, or from a directory outside of /root`,
  );
}
