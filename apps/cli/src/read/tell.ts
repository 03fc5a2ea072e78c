/** Every event as a sentence: who did what, and what it rests on. */
import type { EventRecord, GateEvent, PlanEvent, Receipt, ReleaseEvent, ReviewEvent, TaskEvent } from '@baton/contracts';
import { duration, oneLine, plural, shortHash } from '../format.ts';
import { tellGate } from './tell-gate.ts';
import { content, reason, told, type Told } from './told.ts';

const EVIDENCE_CHARS_MAX = 160;

const receiptLine = (receipt: Receipt): string =>
  `${receipt.exit_code === 0 ? '✓' : '✗'} ${receipt.criterion_id}: ${receipt.command.length === 0 ? 'output is not empty' : oneLine(receipt.command.join(' '), 80)} → exit ${String(receipt.exit_code)} in ${duration(receipt.duration_ms)}, output ${shortHash(receipt.output_digest)}, tree ${shortHash(receipt.tree)}`;

const changeLine = (change: { files: readonly string[]; insertions: number; deletions: number; artifact: string }): string =>
  `${plural(change.files.length, 'file')}, +${String(change.insertions)} −${String(change.deletions)}, change ${shortHash(change.artifact)}`;

/** One sentence for each kind of event. */
export function tell(event: EventRecord): Told {
  switch (event.type) {
    case 'MissionAccepted': {
      const { contract, requested_by, source } = event.data;
      return told(event, `accepted "${oneLine(contract.title)}" from ${requested_by} (by ${source})`, [
        `risk ${contract.risk}, ${plural(contract.criteria.length, 'criterion', 'criteria')}, contract ${shortHash(event.data.contract_digest)}`,
      ]);
    }
    case 'MissionRejected':
      return told(
        event,
        `rejected it: ${plural(event.data.faults.length, 'fault')}`,
        event.data.faults.map((fault) => `${fault.field} ${fault.problem}; ${fault.fix}`),
        'bad',
      );
    case 'MissionCancelRequested':
      return told(
        event,
        `${event.data.by} asked to cancel it${event.data.reason === '' ? '' : `: ${oneLine(event.data.reason)}`}`,
        [],
        'attention',
      );
    case 'MissionCancelled':
      return told(
        event,
        `mission cancelled${event.data.confirmed ? '' : ', though not every part confirmed it in time'}`,
        [],
        'bad',
      );
    case 'MissionCompleted':
      return told(event, 'mission completed', [`commit ${event.data.commit}`, `tree ${event.data.tree}`], 'good');
    case 'MissionFailed':
      return told(event, `mission failed in ${event.data.stage} (${event.data.failure_class}): ${reason(event.data)}`, [], 'bad');
    default:
      return tellPlan(event);
  }
}

function tellPlan(event: EventRecord<PlanEvent | TaskEvent | ReviewEvent | ReleaseEvent | GateEvent>): Told {
  switch (event.type) {
    case 'PlanningStarted':
      return told(event, `plans it with template ${event.data.template}`);
    case 'PlanProposed':
      return told(
        event,
        `planned ${plural(event.data.tasks.length, 'task')}`,
        event.data.tasks.map(
          (task) =>
            `${task.id}${task.depends_on.length === 0 ? '' : ` after ${oneLine(task.depends_on.join(', '), 80)}`}, may write ${oneLine(task.write_set.join(', '), 80)}`,
        ),
      );
    case 'TaskReady':
      return told(
        event,
        `task ${event.data.task.id} can start${event.data.base.inputs.length === 0 ? '' : ` from ${plural(event.data.base.inputs.length, 'accepted change')}`}`,
      );
    case 'TaskAccepted':
      return told(event, `task ${event.data.task_id} is accepted`, [], 'good');
    case 'PlanCompleted':
      return told(event, `the plan is done: ${plural(event.data.accepted.length, 'task')} accepted`, [], 'good');
    case 'PlanFailed':
      return told(event, `the plan failed (${event.data.failure_class}): ${oneLine(event.data.reason, 400)}`, [], 'bad');
    case 'PlanCancelRequested':
      return told(event, `stops ${event.data.stop.join(', ')}`);
    case 'TaskStopped':
      return told(event, `task ${event.data.task_id} has stopped`);
    case 'PlanCancelled':
      return told(event, 'the plan is cancelled', [], 'bad');
    default:
      return tellTask(event);
  }
}

function tellTask(event: EventRecord<TaskEvent | ReviewEvent | ReleaseEvent | GateEvent>): Told {
  switch (event.type) {
    case 'AttemptStarted':
      return told(
        event,
        `task ${event.data.task_id}, attempt ${String(event.data.attempt)} starts`,
        event.data.findings.map((finding) => `to mend: ${oneLine(finding.statement, EVIDENCE_CHARS_MAX)}`),
      );
    case 'AttemptSucceeded': {
      const { task_id, attempt, summary, change, receipts } = event.data;
      return told(
        event,
        `task ${task_id}, attempt ${String(attempt)} is done: ${oneLine(summary, EVIDENCE_CHARS_MAX)}`,
        [changeLine(change), ...receipts.map(receiptLine)],
        'good',
      );
    }
    case 'AttemptFailed': {
      const tail = event.data.output_tail
        .trim()
        .split('\n')
        .slice(-3)
        .filter((line) => line.trim() !== '');
      return told(
        event,
        `task ${event.data.task_id}, attempt ${String(event.data.attempt)} failed (${event.data.failure_class}): ${oneLine(event.data.cause, 400)}`,
        tail.map((line) => `its output: ${oneLine(line, EVIDENCE_CHARS_MAX)}`),
        'bad',
      );
    }
    case 'AttemptLost':
      return told(
        event,
        `task ${event.data.task_id}, attempt ${String(event.data.attempt)} is lost: ${oneLine(event.data.cause)}`,
        [],
        'attention',
      );
    case 'RetryScheduled':
      return told(
        event,
        `task ${event.data.task_id}, attempt ${String(event.data.attempt)} follows ${event.data.after_ms === 0 ? 'at once' : `in ${duration(event.data.after_ms)}`}`,
      );
    case 'TaskBlocked':
      return told(
        event,
        `task ${event.data.task_id} is blocked (${event.data.failure_class}): ${oneLine(event.data.reason, 400)}`,
        [],
        'bad',
      );
    case 'TaskCancelled':
      return told(event, `task ${event.data.task_id} is cancelled`, [], 'bad');
    default:
      return tellReview(event);
  }
}

function tellReview(event: EventRecord<ReviewEvent | ReleaseEvent | GateEvent>): Told {
  switch (event.type) {
    case 'ReviewStarted':
      return told(event, `reviews task ${event.data.task_id}, attempt ${String(event.data.attempt)}`);
    case 'VerdictGiven':
      return told(
        event,
        `judged ${plural(event.data.verdicts.length, 'criterion', 'criteria')} of task ${event.data.task_id}`,
        event.data.verdicts.map(
          (verdict) =>
            `${verdict.holds ? '✓' : '✗'} ${verdict.criterion_id}, evidence ${oneLine(shortHash(verdict.evidence), 60)}`,
        ),
      );
    case 'FindingRaised': {
      const { finding } = event.data;
      return told(
        event,
        `finding (${finding.severity}): ${oneLine(finding.statement, 300)}`,
        finding.evidence.trim() === '' ? [] : [`evidence: ${oneLine(finding.evidence, EVIDENCE_CHARS_MAX)}`],
        finding.severity === 'blocking' ? 'attention' : 'plain',
      );
    }
    case 'ReviewConcluded':
      return told(
        event,
        `review of task ${event.data.task_id}: ${event.data.outcome}`,
        [
          `tree ${shortHash(event.data.tree)}`,
          ...(event.data.escalation
            ? [`${event.data.escalation.failure_class}: ${oneLine(event.data.escalation.reason, 300)}`]
            : []),
        ],
        event.data.outcome === 'accepted' ? 'good' : 'attention',
      );
    case 'ChangesRequested':
      return told(
        event,
        `asks for changes to task ${event.data.task_id}: ${plural(event.data.findings.length, 'finding')}`,
        [],
        'attention',
      );
    default:
      return tellRelease(event);
  }
}

function tellRelease(event: EventRecord<ReleaseEvent | GateEvent>): Told {
  switch (event.type) {
    case 'IntegrationStarted':
      return told(
        event,
        `integrates ${plural(event.data.accepted.length, 'accepted task')} (revision ${String(event.data.revision)})`,
      );
    case 'IntegrationTested':
      return told(
        event,
        'tested the integrated tree',
        [changeLine(event.data.change), ...event.data.receipts.map(receiptLine)],
        'good',
      );
    case 'ReleaseProposed':
      return told(event, `proposes revision ${String(event.data.revision)} for release`, [content(event.data.content_digest)]);
    case 'ReleaseQueued':
      return told(event, `revision ${String(event.data.revision)} is queued for landing`);
    case 'ReleaseDelayed': {
      const { step, revision, failures, after_ms } = event.data;
      return told(
        event,
        `could not ${step} revision ${String(revision)} (failure ${String(failures)}), tries again in ${duration(after_ms)}: ${reason(event.data)}`,
        [],
        'attention',
      );
    }
    case 'ReleaseResumed':
      return told(event, `tries again to ${event.data.step} revision ${String(event.data.revision)}`);
    case 'TargetMoved':
      return told(
        event,
        `the target branch moved to ${shortHash(event.data.target_commit)}: integrated and tested again`,
        [],
        'attention',
      );
    case 'ReleaseLanded':
      return told(
        event,
        `landed commit ${shortHash(event.data.commit)}`,
        [`its tree ${shortHash(event.data.tree)} is the tree that was tested and approved`],
        'good',
      );
    case 'ReleaseVerified':
      return told(event, 'verified the landed commit', [], 'good');
    case 'ReleaseFailed':
      return told(
        event,
        `the release failed (${event.data.failure_class}): ${oneLine(event.data.reason, 400)}`,
        event.data.receipts.map(receiptLine),
        'bad',
      );
    case 'ReleaseCancelRequested':
      return told(event, `the release is to be cancelled: ${oneLine(event.data.reason)}`, [], 'attention');
    case 'ReleaseCancelled':
      return told(event, 'the release is cancelled', [], 'bad');
    default:
      return tellGate(event);
  }
}
