/** T32: disks that forget a bit. `baton verify` has to name where, and the runbook mends it. */
import { open, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EVENT_STREAM } from '@baton/contracts';
import type { CheckpointsVerified } from '@baton/event-store';
import { eventually } from '@baton/tools';
import type { FaultRun } from '../fault.ts';
import { messageOf } from '../outsider.ts';
import { runbook } from '../runbook.ts';

export const DAMAGED = 7;
const COPIED_WITHIN_MS = 20_000;
const PAGE_BYTES = 8_192;
/** From the end of a page, where its rows lie. */
const WITHIN_ROWS_BYTES = 40;
/** From the end of a file of messages, each of which ends with a checksum of eight bytes. */
const WITHIN_MESSAGE_BYTES = 40;

export interface Verified {
  readonly log: { readonly first_bad?: { readonly position: number; readonly problem: string } };
  readonly checkpoints: CheckpointsVerified | null;
  readonly bus: { readonly problem: string | null } | null;
}

async function flip(file: string, at: (size: number) => number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at(size));
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, at(size));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function flippedLog({ ground }: FaultRun): Promise<void> {
  const { baton } = ground;
  const { path, block, position } = await ground.asSuperuser(async (client) => {
    await client.query('CHECKPOINT');
    const { rows } = await client.query<{ path: string; block: number; position: number }>(
      `SELECT pg_relation_filepath('baton.events') AS path, ((ctid::text::point)[0])::integer AS block, min(position)::integer AS position
       FROM baton.events GROUP BY 2 ORDER BY 2 OFFSET 2 LIMIT 1`,
    );
    if (rows[0] === undefined) throw new Error('the log is too short for this test');
    return rows[0];
  });
  const file = join(await realpath(join(baton.home, 'postgres')), path);
  const at = (): number => (block + 1) * PAGE_BYTES - WITHIN_ROWS_BYTES;
  // Between its end and its next start, so that no memory holds the page as it was.
  await ground.kill('postgres');
  await flip(file, at);
  await ground.ready();
  const { exit, answer } = await baton.json<Verified>('verify', '--no-bus');
  const { first_bad } = answer.log;
  if (exit !== DAMAGED || first_bad?.position !== position || !first_bad.problem.includes('cannot be read'))
    throw new Error(`verify should name position ${position} as unreadable: ${JSON.stringify(answer)}`);
  const { exit: rebuilt } = await baton.run('rebuild', 'bus');
  if (rebuilt !== DAMAGED) throw new Error('the bus, now the only whole copy, was not left alone');
  await flip(file, at);
}

/** In the one message that nobody has handled: a mission that intake has promised, and the planner has not heard of. */
export async function flippedBus({ ground, note }: FaultRun): Promise<void> {
  const { baton, missions } = ground;
  await ground.signal('planner', 'SIGSTOP');
  const before = await messageOf(ground, EVENT_STREAM);
  const promised = await missions.submit();
  const last = await eventually(
    async () => {
      const message = await messageOf(ground, EVENT_STREAM);
      return message.sequence === before.sequence + 1 && message;
    },
    { within_ms: COPIED_WITHIN_MS, what: 'its acceptance, and nothing else, is on the bus' },
  );
  await baton.run('down');
  await flip(await lastBlock(join(baton.home, 'nats')), (size) => size - WITHIN_MESSAGE_BYTES);
  await ground.up();
  const { exit, answer } = await baton.json<Verified>('verify');
  const problem = answer.bus?.problem ?? '';
  if (exit === 0) {
    const { stored_at } = await messageOf(ground, EVENT_STREAM, last.sequence);
    if (stored_at === last.stored_at) throw new Error(`message ${last.sequence} is taken for whole: nothing was flipped in it`);
    note('the relay had copied it anew');
  } else {
    if (exit !== DAMAGED || !problem.includes(String(last.sequence)))
      throw new Error(`verify should name message ${last.sequence}: exit ${String(exit)}, ${JSON.stringify(answer)}`);
    await missions.ledger.refresh();
    note(`verify: ${problem}; until then its mission ${missions.ledger.ended.has(promised) ? 'has ended' : 'stands still'}`);
  }
  await runbook(ground, 'rebuild-bus.md', 'Rebuild');
}

/** The file with the newest messages of the event stream. */
async function lastBlock(directory: string): Promise<string> {
  const files = await readdir(directory, { recursive: true });
  const block = files
    .filter((file) => file.includes(EVENT_STREAM) && file.endsWith('.blk'))
    .toSorted((a, b) => Number.parseInt(basename(a), 10) - Number.parseInt(basename(b), 10))
    .at(-1);
  if (block === undefined) throw new Error(`JetStream has no file of messages among ${files.join(', ')}`);
  return join(directory, block);
}
