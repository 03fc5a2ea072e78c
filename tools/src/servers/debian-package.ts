/**
 * A program of a newer Debian suite, from the mirror this machine's apt uses already and verified with the same
 * keys. Nothing is installed and apt's own state is not touched: own source list, own lists, own cache, `dpkg -x`.
 */
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Log } from './server-process.ts';

const run = promisify(execFile);

const SUITE = 'testing';
// Names under which a machine follows Debian itself, besides its release's codename; a third party's suite has others.
const DEBIAN_SUITES = ['oldstable', 'stable', 'testing', 'unstable', 'sid'];
const MIRRORS_MAX = 3;
const APT_MS_MAX = 180_000;
const CONNECT_S_MAX = 10;

export interface DebianProgram {
  readonly name: string;
  readonly debian_package: string;
}

/** Puts the program at `destination`, or throws why it cannot. */
export async function fetchDebianProgram(program: DebianProgram, destination: string, log: Log): Promise<void> {
  const mirrors = (await machineMirrors()).slice(0, MIRRORS_MAX);
  if (mirrors.length === 0) throw new Error('this machine has no apt source of Debian');
  const failures: string[] = [];
  for (const mirror of mirrors) {
    try {
      log(
        `fetching ${program.debian_package} from the ${SUITE} suite of this machine's Debian mirror (about 20 MB, nothing is installed)`,
      );
      return await fetchFrom(mirror, program, destination);
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      failures.push((stderr || message).trim().split('\n').slice(0, 3).join(' | '));
    }
  }
  throw new Error(failures.join('; '));
}

async function fetchFrom(mirror: Mirror, { name, debian_package }: DebianProgram, destination: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'baton-apt-'));
  try {
    // As root, apt fetches as another account, which has to get in here.
    await chmod(work, 0o755);
    for (const directory of ['state', 'lists/partial', 'cache/archives/partial', 'package']) {
      await mkdir(join(work, directory), { recursive: true });
    }
    await writeFile(join(work, 'state/status'), '');
    await writeFile(join(work, 'debian.sources'), sourceFor(mirror));
    const options = Object.entries({
      'Dir::Etc::sourcelist': join(work, 'debian.sources'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State': join(work, 'state'),
      'Dir::State::status': join(work, 'state/status'),
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': join(work, 'cache'),
      'Acquire::Languages': 'none',
      'Acquire::Retries': '0',
      'Acquire::http::Timeout': String(CONNECT_S_MAX),
      'Acquire::https::Timeout': String(CONNECT_S_MAX),
      // A source that fails is an error, not a warning with the old state kept.
      'APT::Update::Error-Mode': 'any',
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const limits = { cwd: work, timeout: APT_MS_MAX };
    await run('apt-get', ['--quiet', ...options, 'update'], limits);
    await run('apt-get', ['--quiet', ...options, 'download', debian_package], limits);
    const file = (await readdir(work)).find((entry) => entry.endsWith('.deb'));
    if (!file) throw new Error(`apt-get download ${debian_package} brought no package`);
    await run('dpkg', ['-x', join(work, file), join(work, 'package')], limits);
    const found = await Promise.any(
      ['usr/sbin', 'usr/bin'].map(async (directory) => {
        await copyFile(join(work, 'package', directory, name), destination);
      }),
    ).then(
      () => true,
      () => false,
    );
    if (!found) throw new Error(`${file} holds no usr/sbin/${name} and no usr/bin/${name}`);
    await chmod(destination, 0o755);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export interface Mirror {
  readonly uri: string;
  /** As written there: a file, a fingerprint or a whole key block; null where apt's own keys count. */
  readonly signed_by: string | null;
}

function sourceFor(mirror: Mirror): string {
  const lines = ['Types: deb', `URIs: ${mirror.uri}`, `Suites: ${SUITE}`, 'Components: main'];
  // A key block begins on a line of its own, as it did there.
  if (mirror.signed_by !== null) lines.push(`Signed-By:${mirror.signed_by.includes('\n') ? '\n' : ''} ${mirror.signed_by}`);
  return `${lines.join('\n')}\n`;
}

async function machineMirrors(): Promise<readonly Mirror[]> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID=debian$/m.test(release)) throw new Error('this machine is not Debian');
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1];
  const suites = codename ? [codename, ...DEBIAN_SUITES] : DEBIAN_SUITES;
  const parts = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(await readdir(parts).catch(() => [])).toSorted().map((name) => join(parts, name))];
  const mirrors: Mirror[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) mirrors.push(...mirrorsInList(text, suites));
    if (file.endsWith('.sources')) mirrors.push(...mirrorsInDeb822(text, suites));
  }
  return mirrors.filter((mirror, index) => mirrors.findIndex(({ uri }) => uri === mirror.uri) === index);
}

/** `deb [option=value …] uri suite component …`, one to a line. */
export function mirrorsInList(text: string, suites: readonly string[]): readonly Mirror[] {
  return text.split('\n').flatMap((line) => {
    const entry = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    const [, options = '', uri = '', suite = '', components = ''] = entry ?? [];
    if (!entry || !suites.includes(suite) || !words(components).includes('main') || uri.startsWith('cdrom:')) return [];
    return [{ uri, signed_by: /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1]?.replaceAll(',', ' ') ?? null }];
  });
}

/** Stanzas of `Field: value`, continued on lines that begin with a space. */
export function mirrorsInDeb822(text: string, suites: readonly string[]): readonly Mirror[] {
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim() ?? null;
    const has = (name: string, accepted: readonly string[]) => words(field(name) ?? '').some((word) => accepted.includes(word));
    const on = (field('Enabled') ?? 'yes') === 'yes';
    if (!on || !has('Types', ['deb']) || !has('Suites', suites) || !has('Components', ['main'])) return [];
    return words(field('URIs') ?? '')
      .filter((uri) => !uri.startsWith('cdrom:'))
      .map((uri) => ({ uri, signed_by: field('Signed-By') }));
  });
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
