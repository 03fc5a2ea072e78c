#!/usr/bin/env node
// `baton` on whatever Node the machine has: goes on in the Node 24 that came with `npm install`, if this one is older.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');
const main = join(here, '..', 'dist', 'main.js');

const stop = (message, fix) => {
  process.stderr.write(`error  ${message}\nfix    ${fix}\n`);
  process.exit(1);
};

if (!existsSync(main)) stop('baton is not built', 'run `npm install` and `npm run build` in the repository');

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  const { runMain } = await import(main);
  await runMain();
} else {
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node))
    stop(
      `this is Node ${process.versions.node}, baton needs ${NODE_MAJOR}, and node_modules has none`,
      'run `npm install` in the repository',
    );
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; we only have to outlive the child. What is sent to us alone is handed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => stop(`cannot start ${node}: ${error.message}`, 'run `npm rebuild node` in the repository'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
