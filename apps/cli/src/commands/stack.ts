/** Starting and stopping the local stack, and preparing servers of one's own. */
import { PROVISIONER } from '@baton/bus';
import { nkeySeed, passwordsFrom } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, plural } from '../format.ts';
import { makeRoles } from '@baton/event-store';
import { down as stopStack } from '../stack/down.ts';
import type { Stack } from '../stack/home.ts';
import { provision as provisionParts } from '../stack/provision.ts';
import { unusedSettings, withWholePaths } from '../stack/service-settings.ts';
import { up as startStack } from '../stack/up.ts';
import { WEAKER, isWeaker, partsOf, relayNotes, sandboxesOf } from './status.ts';

const CONNECT_MS_MAX = 30_000;

export async function up(context: Context): Promise<ExitCode> {
  const { home, out, environment, config, interrupted } = context;
  const started = performance.now();
  const { stack, already } = await startStack({
    home,
    interrupted,
    environment: { ...withWholePaths(environment, process.cwd()), BATON_LOG_LEVEL: config.BATON_LOG_LEVEL },
    progress: (text) => {
      out.progress(`${colour.dim('…')} ${text}`);
    },
  });
  out.line(
    already
      ? `The stack runs already, since ${stack.started_at}.`
      : `${colour.green('✓')} The stack is ready after ${duration(performance.now() - started)}.`,
  );
  out.line();
  const parts = await Promise.all(partsOf(stack));
  const sandboxes = sandboxesOf(parts);
  if (isWeaker(sandboxes)) out.line(`  ${colour.yellow(WEAKER)}`);
  const { sync } = relayNotes(parts);
  if (sync !== undefined) out.line(colour.dim(`  bus sync       ${sync}`));
  const unused = unusedSettings(environment, already);
  if (unused.length > 0)
    out.line(`  ${colour.yellow(`not used by baton up${already ? ', as the stack runs already' : ''}: ${unused.join(', ')}`)}`);
  out.line(whereToLook(home.directory, stack));
  out.result({
    already,
    unused,
    sandboxes,
    home: home.directory,
    services: stack.services,
    postgres_url: stack.postgres_url,
    nats_url: stack.nats_url,
    nats_monitor_url: stack.nats_monitor_url,
    logs: home.logs,
  });
  return EXIT.ok;
}

export function whereToLook(home: string, stack: Stack): string {
  const flag = home === `${process.cwd()}/.baton` ? '' : ` --home ${home}`;
  return [
    `  missions       baton submit FILE, baton list, baton watch ID${flag === '' ? '' : `   (each with${flag})`}`,
    `  how it is      baton status${flag}`,
    `  intake         ${stack.services['intake'] ?? ''}/v1/missions`,
    `  metrics        ${stack.services['metrics'] ?? ''}/metrics`,
    `  bus            ${stack.nats_monitor_url}/jsz?streams=true&consumers=true`,
    `  logs and data  ${home}`,
    `  stop it        baton down${flag}`,
  ].join('\n');
}

export async function down(context: Context): Promise<ExitCode> {
  const { home, out } = context;
  const result = await stopStack(home, (text) => {
    out.progress(`${colour.dim('…')} ${text}`);
  });
  const said = {
    stopped: `${colour.green('✓')} Stopped. The data stays in ${home.directory}; baton up goes on where it was.`,
    'cleaned-up': `${colour.green('✓')} What was left running is stopped.`,
    'not-running': `No stack runs on ${home.directory}.`,
  };
  out.line(said[result]);
  out.result({ result, home: home.directory });
  return EXIT.ok;
}

export async function provision(context: Context, options: { readonly roles?: boolean | undefined }): Promise<ExitCode> {
  const { config, out, environment } = context;
  const { BATON_PG_ADMIN_URL: admin_url, BATON_NATS_URL: nats_url, BATON_NATS_REPLICAS: replicas = 1 } = config;
  if (options.roles === true && admin_url !== undefined) {
    await makeRoles(admin_url, passwordsFrom(environment));
    out.line(`${colour.green('✓')} The roles are there; the dump can be restored.`);
    out.result({ roles: true });
    return EXIT.ok;
  }
  if (admin_url === undefined || nats_url === undefined) {
    const missing = [
      admin_url === undefined ? 'BATON_PG_ADMIN_URL (a role that may create roles)' : '',
      nats_url === undefined ? 'BATON_NATS_URL' : '',
    ].filter((name) => name !== '');
    throw new CliProblem(
      EXIT.invalid,
      `provision needs ${missing.join(' and ')}`,
      'set them; `baton up` provisions its own servers by itself',
    );
  }
  const note = (fields: object, event: string): void => {
    out.progress(`${event} ${JSON.stringify(fields)}`);
  };
  const done = await provisionParts({
    admin_url,
    nats_url,
    replicas,
    accept_unsynced: config.BATON_NATS_UNSYNCED === 'accept',
    passwords: passwordsFrom(environment),
    nkey_seed: nkeySeed(environment, PROVISIONER),
    logger: { info: note, warn: note, error: note, fatal: note },
    connect_ms_max: CONNECT_MS_MAX,
  });
  out.line(
    `${colour.green('✓')} ${plural(done.migrations.length, 'migration')} applied, ${plural(done.created.length, 'stream and consumer', 'streams and consumers')} created, ${String(done.updated.length)} updated.`,
  );
  out.result(done);
  return EXIT.ok;
}
