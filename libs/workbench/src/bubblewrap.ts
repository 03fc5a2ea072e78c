/** What a program in bubblewrap sees: an allow-list, so that what nobody thought of is hidden. */
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';

export interface Confined {
  /** Where it begins; one of `writable`. */
  readonly directory: string;
  readonly writable: readonly string[];
  /** Of this run alone: the objects that its repository borrows. */
  readonly readable: readonly string[];
  /** What it is given: PATH and HOME are looked at. */
  readonly environment: Readonly<Record<string, string>>;
}
export interface Variant {
  /** Not every kernel and version can forbid user namespaces in it. */
  readonly nested: 'forbidden' | 'possible';
}
interface Settings {
  readonly network: 'none' | 'host';
  readonly readable: readonly string[];
}

const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/nix/store'];
/** Names, time, certificates and where libraries are; not the rest, which holds passwords and keys. */
const SETTINGS_OF_SYSTEM = [
  'alternatives',
  'ca-certificates',
  'fonts',
  'group',
  'host.conf',
  'hosts',
  'java',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'locale.alias',
  'localtime',
  'magic',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'protocols',
  'python3',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
].map((name) => `/etc/${name}`);
/** In memory, so it has a limit of its own. */
const TEMP_BYTES_MAX = 512 * 1024 * 1024;
const OTHERS_MAY_READ = 0o004;
/** Files that are not files: what they say is about other processes. */
const LIVE = ['/proc', '/sys', '/dev', '/run'];

export function bubblewrapArguments(
  settings: Settings,
  confined: Confined,
  command: readonly string[],
  variant: Variant,
): readonly string[] {
  const temp = ['--size', String(TEMP_BYTES_MAX), '--tmpfs'];
  return [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    ...(settings.network === 'none' ? ['--unshare-net'] : []),
    ...(variant.nested === 'forbidden' ? ['--disable-userns'] : []),
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    '--hostname',
    'sandbox',
    ...SYSTEM.flatMap(systemDirectory),
    ...SETTINGS_OF_SYSTEM.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind-try', path, path]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    ...temp,
    '/dev/shm',
    ...temp,
    '/tmp',
    ...temp,
    '/var/tmp',
    ...homeOf(confined),
    ...readableBy(settings, confined, command).flatMap((path) => ['--ro-bind-try', path, path]),
    ...confined.writable.flatMap((path) => ['--bind', path, path]),
    '--remount-ro',
    '/',
    '--chdir',
    confined.directory,
  ];
}

/** `/bin` is a link to `/usr/bin` on most systems, and a directory of its own on others. */
function systemDirectory(path: string): readonly string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}

/** A contract may name the real home: programs find one there, an empty one, with what `readable` puts in it. */
function homeOf({ environment, writable }: Confined): readonly string[] {
  const home = environment['HOME'];
  if (home === undefined || !isAbsolute(home) || home === '/' || writable.some((path) => isIn(home, path))) return [];
  return ['--size', String(TEMP_BYTES_MAX), '--tmpfs', home];
}

/** From the outside in, because a mount hides what was mounted below it before. */
function readableBy(settings: Settings, confined: Confined, command: readonly string[]): readonly string[] {
  const paths = [
    ...programDirectories(confined.environment),
    ...command.filter(isPublicFile),
    ...settings.readable,
    ...confined.readable,
  ];
  return [...new Set(paths.map((path) => resolve(path)))].filter((path) => !inSystem(path)).toSorted();
}

/** What lies on PATH is meant to be run; a program's libraries are beside it. */
function programDirectories(environment: Confined['environment']): readonly string[] {
  const above = (path: string): boolean => [homedir(), environment['HOME'] ?? '/'].some((home) => isIn(home, path));
  return (environment['PATH'] ?? '')
    .split(':')
    .filter((path) => isAbsolute(path) && path !== '/' && !above(path) && existsSync(path))
    .flatMap((path) => (path.endsWith('/bin') ? [path, join(dirname(path), 'lib')] : [path]));
}

/** A script that the contract names is shown, unless only its owner may read it: keys and passwords are kept like that. */
function isPublicFile(argument: string): boolean {
  if (!isAbsolute(argument) || argument.includes('\0') || LIVE.some((directory) => isIn(resolve(argument), directory)))
    return false;
  try {
    const found = statSync(argument);
    return found.isFile() && (found.mode & OTHERS_MAY_READ) !== 0;
  } catch {
    return false;
  }
}

export function hidesProgram(settings: Settings, confined: Confined, program: string): boolean {
  const shown = [...SYSTEM, ...confined.writable, ...readableBy(settings, confined, [program])];
  // A link is of use only if what it points to is there as well.
  return ![program, realpathSync(program)].every((path) => shown.some((place) => isIn(path, place)));
}

const isIn = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
const inSystem = (path: string): boolean => SYSTEM.some((directory) => isIn(path, directory));
