// Opens what the specs of one jest run share; nothing is started before a spec asks for it.
import { registerHooks } from 'node:module';

// Jest runs this file in plain Node, so it reads the sources as the specs do, and not a build that may be old.
const hooks = registerHooks({
  resolve: (specifier, context, next) => next(specifier, { ...context, conditions: ['@baton/source', ...context.conditions] }),
});
const { openTestRun } = await import('../src/test-run.ts');
hooks.deregister();

export default async function setup() {
  const run = await openTestRun((message) => process.stderr.write(`${message}\n`));
  // Workers are started later and inherit these.
  Object.assign(process.env, run.environment);
  globalThis.batonTestRun = run;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => void run.close().finally(() => process.kill(process.pid, signal)));
  }
}
