/** Where `nats-server` is: named, on PATH, fetched before, or fetched now from a place that can be verified. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { arch, platform } from 'node:process';
import { promisify } from 'node:util';

import { cacheDirectory } from './cache-directory.ts';
import { fetchDebianNatsServer } from './debian-package.ts';
import type { Log } from './server-process.ts';

const run = promisify(execFile);

// 2.10: streams that begin at a given sequence and consumers with several filters, on which the relay and the services rest.
const VERSION_MIN = [2, 10] as const;
const RELEASE = '2.15.1';
const RELEASES = 'https://github.com/nats-io/nats-server/releases/download';
// The list of checksums is small: a network that does not bring it within this time is taken to be closed.
const CHECKSUMS_MS_MAX = 5_000;
const RELEASE_MS_MAX = 180_000;
const VERSION_MS_MAX = 10_000;
const SYSTEM_DIRECTORIES = ['/usr/local/bin', '/usr/local/sbin', '/usr/sbin', '/usr/bin'];

const SYSTEMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const MACHINES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', ia32: '386' };

export interface FindNatsServer {
  readonly log: Log;
}

/** The path of a nats-server of at least 2.10, or an error that lists what was tried. */
export async function findNatsServer({ log }: FindNatsServer): Promise<string> {
  const named = process.env.NATS_SERVER_BIN;
  if (named) {
    await requireVersion(named).catch((cause: Error) => {
      throw new Error(`NATS_SERVER_BIN=${named}: ${cause.message}`, { cause });
    });
    return named;
  }
  const tried: string[] = [];
  for (const candidate of await candidates()) {
    try {
      await requireVersion(candidate);
      return candidate;
    } catch (error) {
      if (!isMissing(error)) tried.push(`${candidate}: ${(error as Error).message}`);
    }
  }
  if (tried.length === 0) tried.push('nats-server on PATH and in the cache: there is none');
  for (const [name, fetchTo] of [
    ['release', fetchRelease],
    ['Debian package', fetchDebianNatsServer],
  ] as const) {
    try {
      const path = await intoCache(fetchTo, log);
      log(`nats-server is now in ${path}`);
      return path;
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message}`);
      log(`nats-server by ${name} did not work (${(error as Error).message})`);
    }
  }
  throw new Error(
    `no nats-server of version ${VERSION_MIN.join('.')} or newer; tried:\n  ${tried.join('\n  ')}\n` +
      'Fix: install nats-server so that it is on PATH, or name the program in NATS_SERVER_BIN',
  );
}

async function candidates(): Promise<readonly string[]> {
  const directories = new Set([...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES]);
  const cache = await cacheHome();
  const finished = (await readdir(cache).catch(() => [])).filter((name) => !name.startsWith('.'));
  const versions = finished.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [...[...directories].filter((directory) => directory !== ''), ...versions.map((version) => join(cache, version))].map(
    (directory) => join(directory, 'nats-server'),
  );
}

/** One directory a version, so that a cache shared by several checkouts serves them all. */
async function cacheHome(): Promise<string> {
  return join(await cacheDirectory(), `nats-server-${platform}-${arch}`);
}

/** Appears whole or not at all: two processes may fetch at once, and either may be killed. */
async function intoCache(fetchTo: (destination: string, log: Log) => Promise<void>, log: Log): Promise<string> {
  const home = await cacheHome();
  await mkdir(home, { recursive: true });
  const half = await mkdtemp(join(home, '.half-'));
  try {
    await fetchTo(join(half, 'nats-server'), log);
    const version = await requireVersion(join(half, 'nats-server'));
    await chmod(half, 0o755);
    await rename(half, join(home, version)).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else was first with the same version.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return join(home, version, 'nats-server');
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** The release's archive, checked against the checksums published with it. */
async function fetchRelease(destination: string, log: Log): Promise<void> {
  const [system, machine] = [SYSTEMS[platform], MACHINES[arch]];
  if (!system || !machine) throw new Error(`there is no archive for ${platform} on ${arch}`);
  const name = `nats-server-v${RELEASE}-${system}-${machine}`;
  const base = `${RELEASES}/v${RELEASE}`;
  const checksums = (await download(`${base}/SHA256SUMS`, CHECKSUMS_MS_MAX)).toString('utf8');
  const expected = checksumOf(checksums, `${name}.tar.gz`);
  log(`fetching nats-server ${RELEASE} (about 6 MB)`);
  const archive = await download(`${base}/${name}.tar.gz`, RELEASE_MS_MAX);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`${name}.tar.gz has sha256 ${actual}, published is ${expected}: not used`);

  const work = await mkdtemp(`${destination}-`);
  try {
    await writeFile(join(work, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', join(work, 'archive.tar.gz'), '-C', work]);
    await copyFile(join(work, name, 'nats-server'), destination);
    await chmod(destination, 0o755);
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

/** Lines of `<sha256>  <name>`. */
export function checksumOf(checksums: string, name: string): string {
  for (const line of checksums.split('\n')) {
    const [sum = '', file = ''] = line.trim().split(/\s+\*?/);
    if (file === name && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  throw new Error(`the published checksums do not name ${name}`);
}

async function requireVersion(program: string): Promise<string> {
  const { stdout } = await run(program, ['--version'], { timeout: VERSION_MS_MAX });
  const version = parseVersion(stdout);
  if (!version) throw new Error(`says no version but: ${stdout.trim()}`);
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const enough = major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]);
  if (!enough) throw new Error(`is version ${version}, needed is ${VERSION_MIN.join('.')} or newer`);
  return version;
}

/** `nats-server: v2.15.1` → `2.15.1` */
export function parseVersion(said: string): string | null {
  return /\bv?(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? null;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
