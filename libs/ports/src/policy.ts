/** Who has to look at a release before it lands: decided by rules that are data, and always explained by the rule that decided. */
import type { Delivery, PolicyRef, Tier } from '@baton/contracts';

export interface GateInput {
  readonly risk: Delivery['risk'];
  /** Host of the repository's URL; null for a local path or where the mission has no repository. */
  readonly repository_host: string | null;
  readonly repository_url: string | null;
  /** Branch that the change lands on; null where the mission has no repository. */
  readonly target: string | null;
  readonly files: readonly string[];
  readonly insertions: number;
  readonly deletions: number;
  readonly requested_by: string;
  /** Checks whose receipt says that they do not hold. */
  readonly checks_failed: number;
}

export interface GateDecision {
  readonly tier: Tier;
  /** Whether the person who asked for the change may also approve it. */
  readonly self_approval: boolean;
  readonly policy: PolicyRef;
}

export interface Policy {
  /** Deterministic and total: what no rule permits, or what cannot be evaluated, is a `gate` without self-approval. */
  evaluate(input: GateInput): GateDecision;
}
