/** `baton down`: afterwards nothing of the stack runs any more, in whatever state it was found; its data stays. */
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { stopLeftoverNats, stopLeftoverPostgres } from '@baton/tools';
import { readStack, type Home } from './home.ts';
import { signal, stillRuns } from './process-identity.ts';
import { stopServices } from './supervisor.ts';

/** Longer than every part takes at most to end: services, then nats-server, then Postgres with its last checkpoint. */
const SUPERVISOR_MS_MAX = 90_000;
const POLL_MS = 50;

export type DownResult = 'stopped' | 'cleaned-up' | 'not-running';

export async function down(home: Home, progress: (text: string) => void): Promise<DownResult> {
  const stack = readStack(home);
  if (stack === null) return (await stopServers(home, progress)) ? 'cleaned-up' : 'not-running';
  const asked = signal(stack.supervisor, 'SIGTERM');
  if (asked) {
    progress('stopping the services, then nats-server, then Postgres');
    const deadline = performance.now() + SUPERVISOR_MS_MAX;
    while (stillRuns(stack.supervisor)) {
      if (performance.now() > deadline) signal(stack.supervisor, 'SIGKILL');
      await delay(POLL_MS);
    }
  } else progress('its supervisor is gone (killed, or the machine was restarted): looking for what it left behind');
  // Read again: what was restarted meanwhile has other numbers.
  await stopServices(readStack(home) ?? stack);
  await stopServers(home, progress);
  rmSync(home.stack_file, { force: true });
  rmSync(home.lock_file, { force: true });
  return asked ? 'stopped' : 'cleaned-up';
}

async function stopServers(home: Home, progress: (text: string) => void): Promise<boolean> {
  let found = false;
  const log = (text: string): void => {
    found = true;
    progress(text);
  };
  await stopLeftoverNats(home.nats, log);
  await stopLeftoverPostgres(home.postgres, log);
  return found;
}
