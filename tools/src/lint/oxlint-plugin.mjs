// The one purity rule that oxlint has no words for: no reading of the clock and no Node built-ins in pure libraries.
// The rest (globals, Date.now, Math.random) is said with oxlint's own rules in .oxlintrc.json.
import { builtinModules } from 'node:module';

const builtins = new Set(builtinModules);

const pure = {
  meta: { type: 'problem', docs: { description: 'A pure library decides from its arguments alone' } },
  create(context) {
    const refuse = (node, what, instead) => context.report({ node, message: `${what} is not pure; ${instead}` });
    const refuseBuiltin = (node) => {
      const name = node.source?.value;
      if (typeof name !== 'string') return;
      if (name.startsWith('node:') || builtins.has(name)) refuse(node, `Importing ${name}`, 'take it as an argument or put it behind a port');
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

export default { meta: { name: 'baton' }, rules: { pure } };
