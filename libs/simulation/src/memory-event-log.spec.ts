import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  keepsArtifactStoreContract,
  keepsDeadLettersContract,
  keepsDeadlinesContract,
  keepsEventLogContract,
  keepsLeasesContract,
  keepsWatermarksContract,
} from '@baton/testing';
import { memoryRecord, type MemoryRecord } from './memory-record.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const STARTED_MS = Date.UTC(2026, 10, 21);
const record = (now_ms = () => STARTED_MS): MemoryRecord => memoryRecord({ now_ms, sha256 });
const dispose = () => Promise.resolve();

describe('the record in memory', () => {
  const withLog = () => {
    const { log } = record();
    return Promise.resolve({ logs: [log, log] as const, reader: log, dispose });
  };
  keepsEventLogContract(withLog);
  keepsDeadlinesContract(withLog);
  keepsLeasesContract(() => {
    const { leases } = record();
    return Promise.resolve({ leases: [leases, leases], dispose });
  });
  keepsWatermarksContract(() => {
    const { watermarks } = record();
    return Promise.resolve({ watermarks: [watermarks, watermarks], dispose });
  });
  keepsDeadLettersContract(() => Promise.resolve({ deadLetters: record().deadLetters, dispose }));
  keepsArtifactStoreContract(() => Promise.resolve({ artifacts: record().artifacts, dispose }));

  it('goes by the clock it is given, and is the same in every run', async () => {
    const heads = new Set<string>();
    for (let run = 0; run < 2; run++) {
      let now_ms = STARTED_MS;
      const { log } = record(() => now_ms);
      const events = [{ id: '00000000-0000-4000-8000-000000000001', type: 'MissionAccepted', meta: '{}', data: '{}' }];
      await log.append({ stream: 'mission-1', expected_version: 0, events, deadline: { key: 'k', after_ms: 500, holder: null } });
      const claim = { categories: ['mission'], holder: 'h', hold_ms: 1_000, limit: 1 };
      now_ms += 499;
      expect(await log.claimDue(claim)).toEqual([]);
      now_ms += 1;
      expect(await log.claimDue(claim)).toEqual([
        { stream: 'mission-1', key: 'k', last_holder: null, due_at: '2026-11-21T00:00:00.500000Z' },
      ]);
      heads.add((await log.head()).hash);
    }
    expect(heads.size).toBe(1);
  });
});
