/** Entry point of the supervisor process; whoever started it hears over IPC how it goes, until it is ready or has given up. */
import { readConfig } from './config.ts';
import { CliProblem, EXIT } from './exit-codes.ts';
import { homeAt } from './stack/home.ts';
import { startSupervisor, type Supervisor } from './stack/supervisor.ts';

export type SupervisorMessage =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string; readonly fix: string; readonly exit: number };

const tell = (message: SupervisorMessage): void => {
  if (process.connected) process.send?.(message);
};
const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
};

const aborted = new AbortController();
let running: Supervisor | null = null;
const end = (reason: string): void => {
  log('asked-to-stop', { reason });
  // While it starts, the start itself gives up and cleans up.
  aborted.abort(new CliProblem(EXIT.unexpected, `the start was given up: ${reason}`));
  if (running) void running.stop().then(() => process.exit(EXIT.ok));
};
for (const name of ['SIGTERM', 'SIGINT'] as const)
  process.on(name, () => {
    end(name);
  });
process.on('SIGHUP', () => {
  log('hangup-ignored', {});
});
// Whoever waits for the start went away before it was done: nobody would know that something runs.
process.on('disconnect', () => {
  if (!running) end('whoever started it went away');
});

try {
  const config = readConfig(process.env);
  running = await startSupervisor(
    {
      home: homeAt(config.BATON_HOME),
      pg_url: config.BATON_PG_URL,
      log_level: config.BATON_LOG_LEVEL,
      drain_grace_ms: config.BATON_DRAIN_GRACE_MS,
      // The one that it starts itself is set up for speed, which `baton up` says.
      unsynced: config.BATON_NATS_UNSYNCED ?? 'accept',
      environment: process.env,
      progress: (text) => {
        log('progress', { text });
        tell({ type: 'progress', text });
      },
      log,
    },
    aborted.signal,
  );
  if (aborted.signal.aborted) end('asked while it started');
  tell({ type: 'ready' });
  if (process.connected) process.disconnect();
} catch (error) {
  const { message, stack } = error as Error;
  log('failed', { message, stack });
  const problem = error instanceof CliProblem ? error : null;
  tell({
    type: 'failed',
    message,
    fix: problem?.fix ?? 'look into logs/supervisor.log of the home directory',
    exit: problem?.exit ?? EXIT.unexpected,
  });
  if (process.connected) process.disconnect();
  process.exit(EXIT.unexpected);
}
