// package-lock.json names every optional platform package, so that `npm ci` works on any system from one lock file.
//
// A registry mirror that serves only its own platform makes `npm install` leave the binaries of the others out of the
// lock, and `npm ci` then refuses the lock as out of sync. This adds what is missing, by name, version, os and cpu;
// npm verifies such a package by the registry's own integrity when it is really installed.
//   node tools/src/complete-lock.ts           adds what is missing
//   node tools/src/complete-lock.ts --check   fails when something is missing
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { readWorkspaces } from './workspaces.ts';

export type LockedPackage = {
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
};
export type Lock = { packages: Record<string, LockedPackage> };

const OS: Record<string, string> = {
  aix: 'aix',
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  netbsd: 'netbsd',
  openbsd: 'openbsd',
  openharmony: 'openharmony',
  sunos: 'sunos',
  win32: 'win32',
  windows: 'win32',
  wasm32: 'wasi',
};
const CPU: Record<string, string> = {
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  ppc64: 'ppc64',
  ppc64le: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
  wasm32: 'wasm32',
};

/** Adds the platform packages the lock does not name and returns their names, in order. */
export function completeLock(lock: Lock): string[] {
  const added: string[] = [];
  for (const [path, owner] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(owner.optionalDependencies ?? {})) {
      if (isLocked(lock, path, name)) continue;
      const key = `node_modules/${name}`;
      lock.packages[key] = platformPackage(name, range, owner);
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  return added;
}

/** The package.json files whose dependencies the lock does not repeat word for word; `npm ci` refuses to install those. */
export function driftedManifests(
  lock: Lock,
  read: (path: string) => LockedPackage | undefined,
  folders: readonly string[],
): string[] {
  const asked = (entry: LockedPackage | undefined): string =>
    JSON.stringify(Object.entries({ ...entry?.dependencies, ...entry?.devDependencies }).toSorted());
  return ['', ...folders]
    .filter((folder) => asked(read(join(folder, 'package.json'))) !== asked(lock.packages[folder]))
    .map((folder) => join(folder, 'package.json'));
}

// Node's own lookup: beside the owner, then one node_modules further out, up to the root.
function isLocked(lock: Lock, owner: string, name: string): boolean {
  for (let folder = owner; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`] !== undefined) return true;
    if (!folder.includes('node_modules/')) return lock.packages[`node_modules/${name}`] !== undefined;
  }
}

function platformPackage(name: string, range: string, owner: LockedPackage): LockedPackage {
  const words = name === 'fsevents' ? ['darwin'] : name.slice(name.indexOf('/') + 1).split('-');
  const os = words.map((word) => OS[word]).find((found) => found !== undefined);
  const cpu = words.map((word) => CPU[word]).find((found) => found !== undefined);
  if (os === undefined) {
    throw new Error(
      `${name}@${range} is missing from package-lock.json and its name does not tell its platform; run npm install`,
    );
  }
  return {
    version: range.replace(/^[\^~]/, ''),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(owner.dev === true ? { dev: true } : {}),
    ...(os === 'linux' && cpu !== undefined ? { libc: [words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc'] } : {}),
    optional: true,
    os: [os],
  };
}

if (import.meta.main) main();

function main(): void {
  const root = dirname(dirname(import.meta.dirname));
  const read = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
  const lock = read<Lock>('package-lock.json');
  const folders = readWorkspaces(root).map(({ folder }) => folder);
  const problems = driftedManifests(lock, read, folders).map((path) => `package-lock.json is older than ${path}`);
  const missing = completeLock(lock);
  if (!argv.includes('--check') && missing.length > 0) {
    writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
    stdout.write(`package-lock.json: added ${missing.join(', ')}\n`);
  } else if (missing.length > 0) {
    problems.push(`package-lock.json misses ${missing.length} platform packages (${missing[0]} …)`);
  }
  if (problems.length > 0) {
    stderr.write(`${problems.join('\n')}\nRun: npm run lock\n`);
    exit(1);
  }
}
