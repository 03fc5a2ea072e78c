// House rules that oxlint has no words for. Each is proven by a planted violation in tools/src/tidy/lint.spec.ts.
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { relative } from 'node:path';

const FUNCTION_LINES_MAX = 70;

const builtins = new Set(builtinModules);
const ratchet = JSON.parse(readFileSync(new URL('../tidy/ratchet.json', import.meta.url), 'utf8')).functions;

/** A pure library decides from its arguments alone: no built-ins, no clock (globals are .oxlintrc.json's part). */
const pure = {
  create(context) {
    const refuse = (node, what, instead) => context.report({ node, message: `${what} is not pure; ${instead}` });
    const refuseBuiltin = (node) => {
      const name = node.source?.value;
      if (typeof name !== 'string') return;
      if (name.startsWith('node:') || builtins.has(name)) {
        refuse(node, `Importing ${name}`, 'take what it gives as an argument or put it behind a port');
      }
    };
    const refuseClock = (node) => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date') return;
      if (node.type === 'NewExpression' && node.arguments.length > 0) return;
      refuse(node, 'Reading the clock with Date', 'take the time from the command');
    };
    return {
      ImportDeclaration: refuseBuiltin,
      ImportExpression: refuseBuiltin,
      ExportNamedDeclaration: refuseBuiltin,
      ExportAllDeclaration: refuseBuiltin,
      NewExpression: refuseClock,
      CallExpression: refuseClock,
    };
  },
};

/** A package says by name what it exports, so that its door can be read. */
const explicitExports = {
  create: (context) => ({
    ExportAllDeclaration(node) {
      if (node.exported === null) context.report({ node, message: 'export * hides what is exported; name each export' });
    },
  }),
};

/**
 * A function fits on one screen. Only its own lines count: a factory that holds small functions is as readable as they are.
 * Longer ones live in tidy/ratchet.json with their present length, which may only shrink.
 */
const functionLines = {
  create(context) {
    const file = relative(context.cwd, context.filename).replaceAll('\\', '/');
    const nested = [0];
    const enter = () => void nested.push(0);
    const leave = (node) => {
      const total = node.loc.end.line - node.loc.start.line + 1;
      const own = total - nested.pop();
      // One-line callbacks take no line from the function around them.
      if (total > 1) nested[nested.length - 1] += total;
      const name = nameOf(node);
      const allowed = ratchet[`${file}#${name}`] ?? FUNCTION_LINES_MAX;
      if (own > allowed)
        context.report({ node, message: `${name} has ${own} lines of its own, ${allowed} are allowed; split it` });
      if (own < allowed && allowed > FUNCTION_LINES_MAX) {
        const message = `${name} shrank to ${own} lines; lower "${file}#${name}" in tools/src/tidy/ratchet.json`;
        context.report({ node, message });
      }
    };
    const kinds = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];
    return Object.fromEntries(
      kinds.flatMap((kind) => [
        [kind, enter],
        [`${kind}:exit`, leave],
      ]),
    );
  },
};

function nameOf(node) {
  const { parent } = node;
  const name = node.id?.name ?? parent?.id?.name ?? parent?.key?.name ?? parent?.callee?.name;
  return name ?? 'function';
}

/** A spec waits on signals, never on time. */
const noSleep = {
  create(context) {
    const message = 'Waiting for time to pass makes a spec slow and flaky; wait on a signal or a condition';
    return {
      ImportDeclaration(node) {
        if (/^(node:)?timers\/promises$/.test(node.source.value)) context.report({ node, message });
      },
      CallExpression(node) {
        const name = node.callee.name ?? node.callee.property?.name;
        if (name === 'setTimeout' && resolvesPromise(node)) context.report({ node, message });
        if (['sleep', 'delay'].includes(name)) context.report({ node, message });
      },
    };
  },
};

// `new Promise((resolve) => setTimeout(resolve, 10))`; a timer that rejects is a deadline and fine.
function resolvesPromise(timer) {
  for (let node = timer.parent; node; node = node.parent) {
    if (node.type !== 'ArrowFunctionExpression' && node.type !== 'FunctionExpression') continue;
    if (node.parent?.type !== 'NewExpression' || node.parent.callee.name !== 'Promise') continue;
    const resolve = node.params[0]?.name;
    const [callback] = timer.arguments;
    const called = callback?.body?.callee?.name ?? callback?.body?.body?.[0]?.expression?.callee?.name;
    return resolve !== undefined && (callback?.name === resolve || called === resolve);
  }
  return false;
}

export default {
  meta: { name: 'baton' },
  rules: { pure, 'explicit-exports': explicitExports, 'function-lines': functionLines, 'no-sleep': noSleep },
};
