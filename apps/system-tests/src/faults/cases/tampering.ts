/** T31: a superuser who rewrites history; and T32 in the same way. `baton verify` has to name the first wrong position. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  SEALER_KEY_NAME,
  checkpointPaths,
  hashOf,
  newSigningKey,
  readSigningKey,
  type CheckpointsVerified,
} from '@baton/event-store';
import { eventually } from '@baton/tools';
import type { StoredEvent } from '@baton/contracts';
import type pg from 'pg';
import type { Fault, FaultRun } from '../fault.ts';
import type { Ground } from '../ground.ts';
import { DAMAGED, flippedBus, flippedLog, type Verified } from './bit-flips.ts';

const WAVE = 20;
/** So that there are several checkpoints before and after the position that is tampered with. */
const SEALING = { BATON_SEAL_INTERVAL_MS: '200', BATON_SEAL_EVENTS_MAX: '15' };
const SEALED_WITHIN_MS = 20_000;
const AT = 40;

interface Tampering {
  readonly name: string;
  readonly by: (client: pg.Client, head: number) => Promise<unknown>;
  /** Where the log itself shows it; null: only against what is not in the database. */
  readonly shows_at: number | null;
  /** What the checkpoints show of it. */
  readonly signed?: (found: CheckpointsVerified, head: number) => boolean;
}

const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'edit',
    shows_at: AT,
    by: (client) => client.query(`UPDATE baton.events SET data = data || ' ' WHERE position = $1`, [AT]),
  },
  { name: 'delete', shows_at: AT, by: (client) => client.query('DELETE FROM baton.events WHERE position = $1', [AT]) },
  {
    name: 'insert',
    shows_at: AT + 1,
    by: async (client) => {
      await client.query('UPDATE baton.events SET position = -position - 1 WHERE position > $1', [AT]);
      await client.query('UPDATE baton.events SET position = -position WHERE position < 0');
      await client.query(
        `INSERT INTO baton.events (position, stream, version, id, type, recorded_at, meta, data, hash)
         SELECT position + 1, 'mission-forged', 1, gen_random_uuid(), type, recorded_at, meta, data, hash FROM baton.events WHERE position = $1`,
        [AT],
      );
    },
  },
  {
    name: 'swap',
    shows_at: AT,
    by: (client) =>
      client.query(
        `UPDATE baton.events e SET data = o.data, type = o.type FROM baton.events o
         WHERE (e.position, o.position) IN (($1::bigint, $1::bigint + 1), ($1::bigint + 1, $1::bigint))`,
        [AT],
      ),
  },
  {
    name: 'cut the tail',
    shows_at: null,
    signed: ({ problem, first_disagreeing }, head) =>
      problem?.startsWith(`the log ends at ${String(head - 3)}, the checkpoint of `) === true &&
      problem.includes(` says ${String(head)}`) &&
      (first_disagreeing?.position ?? 0) > head - 3,
    by: async (client, head) => {
      await client.query('DELETE FROM baton.events WHERE position > $1', [head - 3]);
      await client.query('UPDATE baton.log_head SET position = $1, hash = (SELECT hash FROM baton.events WHERE position = $1)', [
        head - 3,
      ]);
    },
  },
  {
    name: 'rewrite from there on',
    shows_at: null,
    signed: ({ problem, last_agreeing, first_disagreeing }) =>
      problem?.includes('history was rewritten between') === true &&
      (last_agreeing?.position ?? 0) < AT &&
      (first_disagreeing?.position ?? 0) >= AT,
    by: rewriteChain,
  },
];

/** A body edited and every hash after it computed again: the log alone cannot show it. */
async function rewriteChain(client: pg.Client): Promise<void> {
  await client.query(`UPDATE baton.events SET data = data || ' ' WHERE position = $1`, [AT]);
  const { rows } = await client.query<StoredEvent & { position: string | number }>(
    `SELECT position::integer, stream, version, id, type, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
            meta, data, encode(hash, 'hex') AS hash FROM baton.events WHERE position >= $1 ORDER BY position`,
    [AT - 1],
  );
  let hash = rows[0]?.hash ?? '';
  for (const event of rows.slice(1)) {
    hash = hashOf(hash, event);
    await client.query(`UPDATE baton.events SET hash = decode($2, 'hex') WHERE position = $1`, [event.position, hash]);
  }
  await client.query(`UPDATE baton.log_head SET hash = decode($1, 'hex')`, [hash]);
}

async function tamperings({ ground }: FaultRun): Promise<void> {
  const { length: head } = ground.missions.ledger.events;
  await sealed(ground, head);
  for (const tampering of TAMPERINGS) {
    // Or it publishes what was inserted, and the log that is mended lacks what the bus has: that is T29.
    if (!tampering.signed) await ground.signal('relay', 'SIGSTOP');
    await ground.asSuperuser((client) => tamper(ground, client, tampering, head));
    if (!tampering.signed) await ground.signal('relay', 'SIGCONT');
  }
  await falseCheckpoints(ground);
}

async function tamper(ground: Ground, client: pg.Client, { name, by, shows_at, signed }: Tampering, head: number): Promise<void> {
  const change = async (how: () => Promise<unknown>): Promise<void> => {
    await client.query('BEGIN');
    for (const table of ['events', 'log_head']) await client.query(`ALTER TABLE baton.${table} DISABLE TRIGGER ALL`);
    await how();
    for (const [table, trigger] of [
      ['events', 'events_are_kept'],
      ['log_head', 'log_head_is_kept'],
    ])
      await client.query(`ALTER TABLE baton.${table} ENABLE ALWAYS TRIGGER ${trigger}`);
    await client.query('COMMIT');
  };
  await client.query('CREATE TABLE public.kept_events AS TABLE baton.events');
  await client.query('CREATE TABLE public.kept_head AS TABLE baton.log_head');
  await change(() => by(client, head));
  const alone = await ground.baton.json<Verified>('verify', '--no-bus', '--no-checkpoints');
  const found = alone.answer.log.first_bad?.position ?? null;
  if (found !== shows_at) throw new Error(`${name}: verify names position ${String(found)} of the log, not ${String(shows_at)}`);
  if (shows_at === null && alone.exit !== 0) throw new Error(`${name}: the log alone shows it: ${alone.stdout}`);
  if (signed) {
    const { exit, answer } = await ground.baton.json<Verified>('verify', '--no-bus');
    if (exit !== DAMAGED || answer.checkpoints === null || !signed(answer.checkpoints, head))
      throw new Error(`${name}: the checkpoints do not show it: exit ${String(exit)}, ${JSON.stringify(answer)}`);
    await eventually(async () => (await relayMetric(ground, 'baton_sealer_refusing')) === 1, {
      within_ms: SEALED_WITHIN_MS,
      what: `${name}: the relay refuses to sign`,
    });
  }
  const beside = await ground.baton.json<Verified>('verify', '--no-checkpoints');
  if (beside.exit !== DAMAGED)
    throw new Error(`${name}: verify against the bus ended with ${String(beside.exit)}, not with ${DAMAGED}`);
  await change(async () => {
    await client.query('DELETE FROM baton.events');
    await client.query('INSERT INTO baton.events SELECT * FROM public.kept_events');
    await client.query('UPDATE baton.log_head h SET position = k.position, hash = k.hash FROM public.kept_head k');
  });
  await client.query('DROP TABLE public.kept_events, public.kept_head');
  if (signed)
    await eventually(async () => (await relayMetric(ground, 'baton_sealer_refusing')) === 0, {
      within_ms: SEALED_WITHIN_MS,
      what: `${name}: the relay seals again`,
    });
}

async function relayMetric({ baton }: Ground, name: string): Promise<number> {
  const { relay } = (await baton.stack()).services;
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await (await fetch(`${relay}/metrics`)).text())?.[1]);
}

async function sealed({ baton }: Ground, head: number): Promise<void> {
  await eventually(
    async () => {
      const { answer } = await baton.json<{ last: { position: number } | null }>('checkpoints');
      if (answer.last?.position !== head)
        throw new Error(`the last checkpoint is at ${String(answer.last?.position)}, not at ${head}`);
      return true;
    },
    { within_ms: SEALED_WITHIN_MS, what: 'all of the log is sealed' },
  );
}

/** A copy of the checkpoints, as an auditor has it: whole, cut short, with another's key, and with a line of somebody else's. */
async function falseCheckpoints({ baton }: Ground): Promise<void> {
  const { checkpoints, keys } = checkpointPaths(join(baton.home, 'checkpoints'));
  const copy = join(baton.directory, 'copy.checkpoints');
  const other = join(baton.directory, 'other.vkey');
  const text = await readFile(checkpoints, 'utf8');
  await writeFile(other, `${readSigningKey(newSigningKey(SEALER_KEY_NAME)).verifier.text}\n`);
  const forged = text.replace(/^([0-9]+)\n/m, (_, position: string) => `${String(Number(position) - 1)}\n`);
  for (const [what, content, key, expected] of [
    ['a copy', text, keys, 0],
    ['one cut short', text.slice(0, -60), keys, 0],
    ['another key', text, other, DAMAGED],
    ['a forged line', forged, keys, DAMAGED],
  ] as const) {
    await writeFile(copy, content);
    const { exit, answer } = await baton.json<Verified>('verify', '--no-bus', '--checkpoints', copy, '--key', key);
    if (exit !== expected || (answer.checkpoints?.problem !== null) !== (expected === DAMAGED))
      throw new Error(`verify with ${what} ended with ${String(exit)}, not with ${expected}: ${JSON.stringify(answer)}`);
  }
}

/** Each on a stack of its own with a history, which is as it was when the damage is mended. */
const CASES: readonly (readonly [id: string, broke: string, damageAndMend: (on: FaultRun) => Promise<void>])[] = [
  ['T31', 'a superuser edits, deletes, inserts, swaps, cuts and rewrites history', tamperings],
  ['T32.log', 'a bit of the log flips on the disk of Postgres', flippedLog],
  ['T32.bus', 'a bit of the bus flips on the disk of JetStream', flippedBus],
];

export const tamperingFaults: readonly Fault[] = CASES.map(([id, broke, damageAndMend]) => ({
  id,
  broke,
  ground: 'own',
  run: async (on) => {
    Object.assign(on.ground.environment, SEALING);
    await on.ground.up();
    await on.ground.missions.ended(await on.ground.missions.wave(WAVE));
    await on.verify();
    await damageAndMend(on);
    await on.recovered(performance.now());
  },
}));
