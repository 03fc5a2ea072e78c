/** Where a program is that we do not ship: named, on PATH, fetched before, or fetched now from a place that can be verified. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { arch, platform } from 'node:process';
import { promisify } from 'node:util';

import { cacheDirectory } from './cache-directory.ts';
import { fetchDebianProgram } from './debian-package.ts';
import type { Log } from './server-process.ts';

const run = promisify(execFile);

// The list of checksums is small: a network that does not bring it within this time is taken to be closed.
const CHECKSUMS_MS_MAX = 5_000;
const RELEASE_MS_MAX = 180_000;
const VERSION_MS_MAX = 30_000;
const SYSTEM_DIRECTORIES = ['/usr/local/bin', '/usr/local/sbin', '/usr/sbin', '/usr/bin'];

const SYSTEMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };

/** An archive, or the program itself, that its makers publish together with checksums. */
export interface Release {
  readonly version: string;
  readonly url: string;
  readonly checksums_url: string;
  /** Where the program lies in the `.tar.gz`; null: what is published is the program. */
  readonly member: string | null;
}

export interface Program {
  readonly name: string;
  /** Names the program to use, for whoever has one of their own. */
  readonly variable: string;
  readonly version_args: readonly string[];
  readonly version_min: readonly [number, number];
  /** Undefined where there is none for this machine. */
  release(system: string, machine: string): Release | undefined;
  readonly debian_package: string;
}

/** The path of the program in a version that will do, or an error that lists what was tried. */
export async function findProgram(program: Program, log: Log): Promise<string> {
  const named = process.env[program.variable];
  if (named) {
    await requireVersion(program, named).catch((cause: Error) => {
      throw new Error(`${program.variable}=${named}: ${cause.message}`, { cause });
    });
    return named;
  }
  const tried: string[] = [];
  for (const candidate of await candidates(program)) {
    try {
      await requireVersion(program, candidate);
      return candidate;
    } catch (error) {
      if (!isMissing(error)) tried.push(`${candidate}: ${(error as Error).message}`);
    }
  }
  if (tried.length === 0) tried.push(`${program.name} on PATH and in the cache: there is none`);
  const { name, debian_package } = program;
  const ways = [
    { way: 'release', fetchTo: (destination: string) => fetchRelease(program, destination, log) },
    { way: 'Debian package', fetchTo: (destination: string) => fetchDebianProgram({ name, debian_package }, destination, log) },
  ];
  for (const { way, fetchTo } of ways) {
    try {
      const path = await intoCache(program, fetchTo);
      log(`${name} is now in ${path}`);
      return path;
    } catch (error) {
      tried.push(`${way}: ${(error as Error).message}`);
      log(`${name} by ${way} did not work (${(error as Error).message})`);
    }
  }
  throw new Error(
    `no ${name} of version ${program.version_min.join('.')} or newer; tried:\n  ${tried.join('\n  ')}\n` +
      `Fix: install ${name} so that it is on PATH, or name the program in ${program.variable}`,
  );
}

async function candidates(program: Program): Promise<readonly string[]> {
  const directories = new Set([...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES]);
  const cache = await cacheHome(program);
  const finished = (await readdir(cache).catch(() => [])).filter((name) => !name.startsWith('.'));
  const versions = finished.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [...[...directories].filter((directory) => directory !== ''), ...versions.map((version) => join(cache, version))].map(
    (directory) => join(directory, program.name),
  );
}

/** One directory a version, so that a cache shared by several checkouts serves them all. */
async function cacheHome({ name }: Program): Promise<string> {
  return join(await cacheDirectory(), `${name}-${platform}-${arch}`);
}

/** Appears whole or not at all: two processes may fetch at once, and either may be killed. */
async function intoCache(program: Program, fetchTo: (destination: string) => Promise<void>): Promise<string> {
  const home = await cacheHome(program);
  await mkdir(home, { recursive: true });
  const half = await mkdtemp(join(home, '.half-'));
  try {
    await fetchTo(join(half, program.name));
    const version = await requireVersion(program, join(half, program.name));
    await chmod(half, 0o755);
    await rename(half, join(home, version)).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else was first with the same version.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return join(home, version, program.name);
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** What is published, checked against the checksums published with it. */
async function fetchRelease(program: Program, destination: string, log: Log): Promise<void> {
  const system = SYSTEMS[platform];
  const release = system && program.release(system, arch);
  if (!release) throw new Error(`there is none for ${platform} on ${arch}`);
  const file = release.url.slice(release.url.lastIndexOf('/') + 1);
  const checksums = (await download(release.checksums_url, CHECKSUMS_MS_MAX)).toString('utf8');
  const expected = checksumOf(checksums, file);
  log(`fetching ${program.name} ${release.version} from its makers`);
  const published = await download(release.url, RELEASE_MS_MAX);
  const actual = createHash('sha256').update(published).digest('hex');
  if (actual !== expected) throw new Error(`${file} has sha256 ${actual}, published is ${expected}: not used`);

  if (release.member === null) await writeFile(destination, published);
  else await unpack(published, release.member, destination);
  await chmod(destination, 0o755);
}

async function unpack(archive: Buffer, member: string, destination: string): Promise<void> {
  const work = await mkdtemp(`${destination}-`);
  try {
    await writeFile(join(work, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', join(work, 'archive.tar.gz'), '-C', work, member]);
    await copyFile(join(work, member), destination);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(url: string, within_ms: number): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(within_ms) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (cause) {
    // fetch says only that it failed; why is one level down.
    const { message } = ((cause as Error).cause ?? cause) as Error;
    throw new Error(`${url}: ${message}`, { cause });
  }
}

/** Lines of `<sha256>  <name>`, or one checksum alone where it is published in a file of its own. */
export function checksumOf(checksums: string, name: string): string {
  if (/^[0-9a-f]{64}\s*$/.test(checksums)) return checksums.trim();
  for (const line of checksums.split('\n')) {
    const [sum = '', file = ''] = line.trim().split(/\s+\*?/);
    if (file === name && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new Error(`the published checksums do not name ${name}`);
}

async function requireVersion({ version_args, version_min }: Program, path: string): Promise<string> {
  const { stdout } = await run(path, [...version_args], { timeout: VERSION_MS_MAX });
  const version = parseVersion(stdout);
  if (!version) throw new Error(`says no version but: ${stdout.trim()}`);
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const enough = major > version_min[0] || (major === version_min[0] && minor >= version_min[1]);
  if (!enough) throw new Error(`is version ${version}, needed is ${version_min.join('.')} or newer`);
  return version;
}

/** `nats-server: v2.15.1` → `2.15.1` */
export function parseVersion(said: string): string | null {
  return /\bv?(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? null;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
