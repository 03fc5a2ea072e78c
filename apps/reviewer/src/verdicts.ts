/** A criterion holds when Baton's own receipt says so, for exactly this tree; the diff is read from the artifact, not from anybody's words. */
import type { Change, Finding, Receipt, Task } from '@baton/contracts';
import type { Verdict } from '@baton/domain';
import { writable } from '@baton/workbench';

export interface Reviewed {
  readonly task: Task;
  readonly change: Change;
  readonly receipts: readonly Receipt[];
  /** Paths that the artifact really touches. */
  readonly paths: readonly string[];
}

export function judge({ task, change, receipts, paths }: Reviewed): {
  readonly verdicts: readonly Verdict[];
  readonly findings: readonly Finding[];
} {
  const findings: Finding[] = [...outside(task, paths), ...untold(change, paths)];
  const verdicts = task.acceptance.map((criterion): Verdict => {
    const receipt = receipts.find((candidate) => candidate.criterion_id === criterion.id);
    if (!receipt) {
      findings.push(
        blocking(criterion.id, `nobody checked "${criterion.statement}"`, `no receipt for criterion ${criterion.id}`),
      );
      return { criterion_id: criterion.id, holds: false, evidence: 'no receipt' };
    }
    if (receipt.tree !== change.tree) {
      findings.push(
        blocking(
          criterion.id,
          `the check of "${criterion.statement}" is stale`,
          `receipt for tree ${receipt.tree}, the change has tree ${change.tree}`,
        ),
      );
      return { criterion_id: criterion.id, holds: false, evidence: receipt.output_digest };
    }
    if (receipt.exit_code !== 0) {
      findings.push(
        blocking(
          criterion.id,
          `"${criterion.statement}" does not hold`,
          `${receipt.command.join(' ').slice(0, COMMAND_CHARS_MAX) || 'the output is empty'}: exit code ${receipt.exit_code}\n${receipt.output_tail}`,
        ),
      );
    }
    return { criterion_id: criterion.id, holds: receipt.exit_code === 0, evidence: receipt.output_digest };
  });
  return { verdicts, findings };
}

const EVIDENCE_CHARS_MAX = 4_000;
/** Of a command, so that how it ended still fits into the evidence. */
const COMMAND_CHARS_MAX = 1_000;
const blocking = (criterion_id: string | null, statement: string, evidence: string): Finding => ({
  criterion_id,
  severity: 'blocking',
  statement: statement.slice(0, 2_000),
  evidence: evidence.slice(0, EVIDENCE_CHARS_MAX),
});

function outside(task: Task, paths: readonly string[]): Finding[] {
  const may = writable(task);
  const strays = paths.filter((path) => !may(path));
  return strays.length === 0 ? [] : [blocking(null, 'the diff touches paths outside the write-set', strays.join('\n'))];
}

/** What is claimed to have changed against what did. */
function untold(change: Change, paths: readonly string[]): Finding[] {
  const claimed = new Set(change.files);
  const hidden = paths.filter((path) => !claimed.has(path));
  return hidden.length === 0 ? [] : [blocking(null, 'the diff touches paths that the handoff does not name', hidden.join('\n'))];
}
