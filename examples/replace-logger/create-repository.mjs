#!/usr/bin/env node
// Makes the small shop in `repository/` a git repository of its own: node create-repository.mjs DIRECTORY
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const wanted = process.argv[2];
if (!wanted) fail('name a directory that does not exist yet: node create-repository.mjs DIRECTORY');
const directory = resolve(wanted);
if (existsSync(directory) && readdirSync(directory).length > 0) fail(`${directory} is not empty: name another directory`);

cpSync(join(import.meta.dirname, 'repository'), directory, { recursive: true });
git('init', '--quiet', '--initial-branch=main');
git('add', '.');
git('commit', '--quiet', '--message', 'A shop of four services that log with legacy-log');
process.stdout.write(`${directory}\n`);

function git(...args) {
  const identity = [
    '-c',
    'user.name=Baton demo',
    '-c',
    'user.email=demo@baton.invalid',
    '-c',
    'commit.gpgsign=false',
    '-c',
    'core.hooksPath=/dev/null',
  ];
  execFileSync('git', [...identity, ...args], { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
