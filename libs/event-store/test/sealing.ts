/** A log in Postgres, the file of its checkpoints, sealers that start and stop, and a superuser who rewrites history. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredEvent } from '@baton/contracts';
import { appendOf, eventually, storedBy } from '@baton/testing';
import { SEALER_KEY_NAME } from '../src/checkpoint.ts';
import { checkpointPaths, readCheckpoints, type CheckpointPaths, type ReadCheckpoints } from '../src/checkpoint-file.ts';
import { GENESIS_HASH, hashOf } from '../src/hash-chain.ts';
import { startSealer, type Sealer, type SealerOptions } from '../src/sealer.ts';
import { newSigningKey, readSigningKey, type SigningKey, type VerifierKey } from '../src/signed-note.ts';
import { watchCheckpoints, type CheckpointsVerified } from '../src/verify-checkpoints.ts';
import { verifyLog, type Verified } from '../src/verify.ts';
import type { TestStores } from './stores.ts';

export const WITHIN = { within_ms: 15_000 };
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface Sealing {
  readonly directory: string;
  readonly paths: CheckpointPaths;
  readonly key: SigningKey;
  append(events: number): Promise<readonly StoredEvent[]>;
  /** Seals when it is told to, or closed; never because of the time that a spec takes. */
  sealer(options?: Partial<SealerOptions>): Sealer;
  /** Resolves after its first round. */
  leading(options?: Partial<SealerOptions>): Promise<Sealer>;
  /** What a sealer that starts now makes of it: `sealing`, or why not. */
  sealOnce(options?: Partial<SealerOptions>): Promise<string>;
  inFile(): ReadCheckpoints;
  positions(): readonly number[];
  verified(keys?: readonly VerifierKey[]): Promise<{ readonly log: Verified; readonly checkpoints: CheckpointsVerified }>;
  asSuperuser(...statements: readonly string[]): Promise<void>;
  cutBehind(position: number): Promise<void>;
  /** An event edited and every hash from it on computed again, as somebody does who has read our sources. */
  rewriteFrom(position: number): Promise<void>;
  close(): Promise<void>;
}

export function sealingOn(stores: TestStores): Sealing {
  const directory = mkdtempSync(join(tmpdir(), 'baton-sealer-'));
  const paths = checkpointPaths(directory);
  const key = readSigningKey(newSigningKey(SEALER_KEY_NAME));
  const sealers: Sealer[] = [];
  const append = async (events: number): Promise<readonly StoredEvent[]> =>
    storedBy(await stores.open('intake').log.append(appendOf(events)));
  const sealer: Sealing['sealer'] = (options = {}) => {
    const { log, epoch } = stores.open('relay');
    const started = startSealer({ log, epoch, paths, key, logger: silent, interval_ms: 3_600_000, ...options });
    sealers.push(started);
    return started;
  };
  const leading = async (options: Partial<SealerOptions> = {}): Promise<Sealer> => {
    const started = sealer(options);
    started.lead(true);
    await eventually(() => started.status() !== 'standby', WITHIN);
    return started;
  };
  const sealOnce = async (options: Partial<SealerOptions> = {}): Promise<string> => {
    let said = '';
    const started = await leading({ ...options, on_status: (status, why) => (said = why ?? status) });
    await started.close();
    started.lead(false);
    return said;
  };
  const inFile = () => readCheckpoints(readFileSync(paths.checkpoints, 'utf8'), [key.verifier]);
  const positions = () => inFile().checkpoints.map(({ position }) => position);
  const verified: Sealing['verified'] = async (keys = [key.verifier]) => {
    const watch = watchCheckpoints(readCheckpoints(readFileSync(paths.checkpoints, 'utf8'), keys));
    const log = await verifyLog(stores.open('auditor').log, watch.seen);
    return { log, checkpoints: watch.result({ checked: log.checked, whole: log.first_bad === undefined }) };
  };
  const asSuperuser = async (...statements: readonly string[]): Promise<void> => {
    const client = await stores.connect(null);
    for (const table of ['events', 'log_head']) await client.query(`ALTER TABLE baton.${table} DISABLE TRIGGER ALL`);
    for (const statement of statements) await client.query(statement);
  };
  const cutBehind = (position: number) =>
    asSuperuser(
      `DELETE FROM baton.events WHERE position > ${String(position)}`,
      `UPDATE baton.log_head SET position = ${String(position)}, hash = (SELECT hash FROM baton.events WHERE position = ${String(position)})`,
    );
  const rewriteFrom = async (position: number): Promise<void> => {
    const events = await stores.open('auditor').log.readAfter(0, 1_000);
    let hash = events[position - 2]?.hash ?? GENESIS_HASH;
    const statements = events.slice(position - 1).map((event) => {
      const data = event.position === position ? `${event.data} ` : event.data;
      hash = hashOf(hash, { ...event, data });
      return `UPDATE baton.events SET data = '${data}', hash = decode('${hash}', 'hex') WHERE position = ${String(event.position)}`;
    });
    await asSuperuser(...statements, `UPDATE baton.log_head SET hash = decode('${hash}', 'hex')`);
  };
  return {
    directory,
    paths,
    key,
    append,
    sealer,
    leading,
    sealOnce,
    inFile,
    positions,
    verified,
    asSuperuser,
    cutBehind,
    rewriteFrom,
    close: async () => {
      for (const started of sealers) {
        started.lead(false);
        await started.close();
      }
      await stores.empty();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
