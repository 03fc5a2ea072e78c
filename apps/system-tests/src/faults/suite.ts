/** Runs faults one after the other, each on a sound stack, and tells of each what was broken, how long it took and what was lost. */
import { clockFaults } from './cases/clocks.ts';
import { diskFaults } from './cases/disks.ts';
import { failpointFaults } from './cases/failpoints.ts';
import { hostileFaults } from './cases/hostile.ts';
import { killFaults } from './cases/kills.ts';
import { messageFaults } from './cases/messages.ts';
import { networkFaults } from './cases/network.ts';
import { pauseFaults } from './cases/pauses.ts';
import { poisonFaults } from './cases/poison.ts';
import { restoreFaults } from './cases/restores.ts';
import { tamperingFaults } from './cases/tampering.ts';
import { versionFaults } from './cases/versions.ts';
import { measure, RECOVERY_MS_MAX, seeded, type Fault, type Recovery } from './fault.ts';
import { newGround, type Ground } from './ground.ts';
import { assertInvariants, type Findings } from './invariants.ts';
import { ENDS_WITHIN_MS } from './missions.ts';
import { missing } from './needs.ts';
import { tellWaits } from './waits.ts';

/** Worth telling of a mission that ended late. */
const LONG_WAIT_MS = 500;

export const FAULTS: readonly Fault[] = [
  ...failpointFaults,
  ...killFaults,
  ...pauseFaults,
  ...networkFaults,
  ...clockFaults,
  ...messageFaults,
  ...poisonFaults,
  ...hostileFaults,
  ...versionFaults,
  ...diskFaults,
  ...restoreFaults,
  ...tamperingFaults,
];

export interface Result {
  readonly id: string;
  readonly broke: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly recoveries: readonly Recovery[];
  readonly findings: Findings | null;
  readonly took_ms: number;
  /** Why it was skipped or failed, or what it saw. */
  readonly told: string;
}

export interface Suite {
  run(fault: Fault, seed: number): Promise<Result>;
  /** Mends and removes everything, also in the middle of a test. */
  close(): Promise<void>;
}

export interface SuiteOptions {
  readonly brief?: boolean;
  /** Keeps the files of a stack on which a test failed. */
  readonly keep?: boolean;
  readonly told?: (text: string) => void;
}

export function openSuite({ brief = false, keep = false, told = () => undefined }: SuiteOptions = {}): Suite {
  let shared: Ground | null = null;
  let current: Ground | null = null;
  const removed = async (ground: Ground, failed: boolean): Promise<void> => {
    if (ground === shared) shared = null;
    if (failed && keep) {
      told(`kept for looking at: ${ground.baton.home}`);
      await ground.missions.close();
      await ground.baton.run('down');
    } else await ground.remove();
  };
  const groundFor = async (fault: Fault): Promise<Ground> => {
    if (fault.ground === 'own') return newGround();
    if (shared) return shared;
    const made = await newGround();
    try {
      await made.up();
    } catch (error) {
      // A stack that never started is nobody's: the next test begins with another one.
      await made.remove();
      throw error;
    }
    return (shared = made);
  };

  async function run(fault: Fault, seed: number): Promise<Result> {
    const started_ms = performance.now();
    const result = (status: Result['status'], text: string, more: Partial<Result> = {}): Result => ({
      id: fault.id,
      broke: fault.broke,
      status,
      recoveries: [],
      findings: null,
      took_ms: performance.now() - started_ms,
      told: text,
      ...more,
    });
    const reason = await missing(fault.needs ?? []);
    if (reason !== null) return result('skipped', reason);
    const recoveries: Recovery[] = [];
    const notes: string[] = [];
    let ground: Ground | null = null;
    let failure: unknown = null;
    let findings: Findings | null = null;
    let wanted = true;
    try {
      ground = await groundFor(fault);
      current = ground;
      const on = ground;
      await on.mark();
      await fault.run({
        ground,
        random: seeded(seed),
        brief,
        recovered: async (since_ms, { single_kill = false, within_ms = ENDS_WITHIN_MS } = {}) => {
          const recovery = await measure(on, since_ms, single_kill, within_ms);
          recoveries.push(recovery);
          if (single_kill && recovery.all_ms > RECOVERY_MS_MAX) notes.push(tellWaits(on.missions.ledger.events, LONG_WAIT_MS));
        },
        verify: async (expected) => {
          findings = await assertInvariants(on, expected);
        },
        noInvariants: () => {
          wanted = false;
        },
        note: (text) => void notes.push(text),
      });
      if (wanted) findings = await assertInvariants(ground);
    } catch (error) {
      failure = error;
    }
    current = null;
    if (ground) {
      await ground.cleanup.run().catch((error: unknown) => {
        failure ??= error;
      });
      if (failure !== null || fault.ground === 'own')
        await removed(ground, failure !== null).catch((error: unknown) => {
          failure ??= error;
        });
    }
    const more = { recoveries, findings };
    if (failure !== null) return result('failed', [...notes, messageOf(failure)].join('; '), more);
    return result('passed', notes.join('; '), more);
  }
  return {
    run,
    close: async () => {
      const left = new Set([current, shared]);
      current = null;
      shared = null;
      for (const ground of left) {
        await ground?.cleanup.run().catch((error: Error) => {
          told(error.message);
        });
        await ground?.remove();
      }
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
