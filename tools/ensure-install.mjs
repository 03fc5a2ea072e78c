// node_modules holds exactly what package-lock.json names, and a Node 24 to run it with, before any script starts.
//   node tools/ensure-install.mjs                the workspace
//   node tools/ensure-install.mjs bench/peers    a package outside of it, which runs on the workspace's Node
// Plain JavaScript without dependencies: it runs on whatever Node the machine has (20 or newer), before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const outside = process.argv[2];
const root = join(dirname(dirname(fileURLToPath(import.meta.url))), outside ?? '.');
const NODE_MAJOR = 24;

const reason = whyInstall();
if (reason !== undefined) {
  process.stdout.write(`Installing dependencies (npm ci${outside ? ` in ${outside}` : ''}): ${reason}\n`);
  run('npm', outside ? ['ci'] : ['ci', '--no-progress']);
}
if (outside === undefined && Number(process.versions.node.split('.')[0]) < NODE_MAJOR && !bundledNodeRuns()) {
  // Happens after `npm ci --ignore-scripts`: the package is there, its binary is not.
  process.stdout.write(`Fetching Node ${NODE_MAJOR} (npm rebuild node): node_modules/.bin/node does not run\n`);
  run('npm', ['rebuild', 'node']);
}

function whyInstall() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) throw new Error('package-lock.json is missing or unreadable; restore it from git');
  if (present === undefined) return 'node_modules is missing';
  const isCurrent = ([path, entry]) => present[path]?.version === entry.version && present[path]?.integrity === entry.integrity;
  const required = Object.entries(wanted).filter(
    ([path, entry]) => path !== '' && entry.optional !== true && entry.link !== true,
  );
  const stale = required.filter(([path, entry]) => path.includes('node_modules/') && !isCurrent([path, entry]));
  return stale.length > 0 ? `${stale.length} packages differ from package-lock.json (${stale[0][0]})` : undefined;
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function bundledNodeRuns() {
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(node) && spawnSync(node, ['--version']).status === 0;
}

// npm must not run on the Node it is about to replace, so node_modules/.bin leaves the path.
function run(command, args) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    shell: process.platform === 'win32',
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined || status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}; see the lines above\n`);
    process.exit(status ?? 1);
  }
}
