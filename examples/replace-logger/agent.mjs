#!/usr/bin/env node
// A deterministic agent: replaces legacy-log by structured-log in the package that its task names, or removes what is left of it.
// Like every agent of the command runtime it gets a task as JSON on standard input and answers with one line of JSON.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OLD = 'legacy-log';
const NEW = 'structured-log';

const task = JSON.parse(readFileSync(0, 'utf8'));
const packages = task.write_set.map((pattern) => /^packages\/([^/*]+)\/\*\*$/.exec(pattern)?.[1]).filter(Boolean);
const summary = packages.length > 0 ? packages.map(migrate).join('; ') : removeOld();
process.stdout.write(`${JSON.stringify({ baton: 'result/v1', status: 'done', summary })}\n`);

function migrate(name) {
  const directory = join('packages', name);
  let calls = 0;
  for (const file of readdirSync(directory)) {
    const path = join(directory, file);
    const before = readFileSync(path, 'utf8');
    const after = before
      .replace(
        `import { log } from '../${OLD}/index.mjs';\n`,
        `import { logger } from '../${NEW}/index.mjs';\n\nconst log = logger('${name}');\n`,
      )
      .replaceAll(/log\.(info|warn|error)\('([^':]+): [^']*', ([^;]+)\);/g, (_call, level, message, values) => {
        calls++;
        return `log.${level}('${message}', { ${values.split(', ').map(field).join(', ')} });`;
      })
      .replaceAll(OLD, NEW);
    if (after !== before) writeFileSync(path, after);
  }
  return `${name} logs with ${NEW}: ${calls} calls with fields instead of sentences`;
}

/** `order.id` becomes the field `orderId: order.id`, `total` becomes `total`. */
function field(value) {
  if (/^\w+$/.test(value)) return value;
  const [first, ...rest] = value.split('.');
  return `${first}${rest.map((part) => part[0].toUpperCase() + part.slice(1)).join('')}: ${value}`;
}

function removeOld() {
  rmSync(join('packages', OLD), { recursive: true, force: true });
  if (existsSync('README.md')) writeFileSync('README.md', readFileSync('README.md', 'utf8').replaceAll(OLD, NEW));
  return `${OLD} is removed; nothing uses it any more`;
}
