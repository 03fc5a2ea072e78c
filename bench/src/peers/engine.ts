/** What the benchmark wants of an engine: run loads, survive a kill, hand the results out again, and say what is special about it. */
import type { Measurable } from '../measure.ts';

export interface Engine extends Measurable {
  /** Versions and settings of what really runs. */
  readonly says: Readonly<Record<string, string>>;
  /** Kills the store without warning, starts it again, and reads the results of these workflows from it; throws if one is missing. */
  provesDurable(ids: readonly string[]): Promise<void>;
  /** Everything that was started has ended, and its data is gone. */
  stop(): Promise<void>;
}

export interface EngineKind {
  readonly name: string;
  /** Whether the load is driven from inside the measured process. */
  readonly driver: 'inside' | 'outside';
  /** What a reader has to know before comparing. */
  readonly differs: string;
  start(): Promise<Engine>;
}
