/** What must be so whenever an event is recorded or something outside is touched: P5, P8, P9, I7 and I8, said without the deciders. */
import type { EventRecord } from '@baton/contracts';
import { STREAM_OF } from '@baton/domain';
import { promise } from './broken-promise.ts';
import type { Answer } from './outside.ts';
import type { MissionScript } from './script.ts';
import { treeOfAttempt } from './scripted-work.ts';
import type { Land, Targets } from './targets.ts';

interface Facts {
  /** Content that a gate let pass. */
  readonly passed: Set<string>;
  /** Content that somebody else than who asked for it has approved. */
  readonly granted: Set<string>;
  /** Revision → tree whose receipts all hold. */
  readonly tested: Map<number, string>;
  /** Revision → content that is on its way to land. */
  readonly queued: Map<number, string>;
  readonly attempts: Map<string, number>;
  /** Of the outage that the release is in, or was in last. */
  failures: number;
  landed: boolean;
}

export interface Invariants {
  onEvent(event: EventRecord): void;
  /** Before a commit is made. */
  onLanding(land: Land): void;
  /** Work on a state begins: its intent is in the record. */
  onWork(stream: string, key: string): void;
  useTargets(targets: Targets): void;
}

export function invariants(answers: () => readonly Answer[], scripts: ReadonlyMap<string, MissionScript>): Invariants {
  const missions = new Map<string, Facts>();
  /** Stream + key of every state that ever asked for work. */
  const intents = new Set<string>();
  let branches: Targets | null = null;
  const factsOf = (mission_id: string): Facts => {
    const facts = missions.get(mission_id) ?? {
      passed: new Set<string>(),
      granted: new Set<string>(),
      tested: new Map<number, string>(),
      queued: new Map<number, string>(),
      attempts: new Map<string, number>(),
      failures: 0,
      landed: false,
    };
    missions.set(mission_id, facts);
    return facts;
  };

  function saidSo(answer: Answer): void {
    const { mission_id, revision, by, content_digest } = answer;
    const said = answers().some(
      (other) =>
        other.mission_id === mission_id &&
        other.revision === revision &&
        other.by === by &&
        other.answer === answer.answer &&
        other.content_digest === content_digest,
    );
    promise(said, () => `P8: ${by} never said ${answer.answer} to ${content_digest} of ${mission_id}.${revision}`);
  }

  function gates(event: EventRecord, facts: Facts): void {
    switch (event.type) {
      case 'ApprovalGranted':
      case 'ApprovalDenied': {
        const { mission_id, revision, content_digest, by } = event.data;
        const answer = event.type === 'ApprovalGranted' ? 'approve' : 'deny';
        saidSo({ mission_id, revision, content_digest, answer, by: by.id });
        if (answer === 'approve' && by.id !== scripts.get(mission_id)?.requested_by) facts.granted.add(content_digest);
        break;
      }
      case 'GatePassed':
        promise(
          scripts.get(event.data.mission_id)?.tier !== 'gate' || facts.granted.has(event.data.content_digest),
          () => `I7: ${event.stream} let pass what needs a person, and nobody but who asked for it has approved it`,
        );
        facts.passed.add(event.data.content_digest);
        break;
      case 'ReleaseQueued':
        promise(
          facts.passed.has(event.data.content_digest),
          () => `I7: ${event.stream} is queued with content that passed no gate (${event.data.content_digest})`,
        );
        facts.queued.set(event.data.revision, event.data.content_digest);
        break;
      default:
    }
  }

  function results(event: EventRecord, facts: Facts): void {
    switch (event.type) {
      case 'AttemptStarted': {
        const { task_id, attempt } = event.data;
        const before = facts.attempts.get(task_id) ?? 0;
        promise(attempt === before + 1, () => `${event.stream}: attempt ${attempt} is started after attempt ${before}`);
        facts.attempts.set(task_id, attempt);
        intents.add(`${event.stream} attempt-${attempt}`);
        break;
      }
      case 'AttemptSucceeded': {
        const { mission_id, task_id, attempt, change } = event.data;
        promise(
          change.tree === treeOfAttempt(mission_id, task_id, attempt),
          () => `G5: attempt ${attempt} of ${event.stream} succeeded with what another attempt made (stale fence)`,
        );
        break;
      }
      case 'ReviewConcluded': {
        const { mission_id, task_id, attempt, tree, outcome } = event.data;
        promise(
          outcome !== 'accepted' || tree === treeOfAttempt(mission_id, task_id, attempt),
          () => `${event.stream} accepted a tree that attempt ${attempt} did not make`,
        );
        break;
      }
      case 'ReviewStarted':
        intents.add(`${event.stream} review-${event.data.attempt}`);
        break;
      case 'IntegrationStarted':
        intents.add(`${event.stream} integrate-${event.data.revision}`);
        break;
      case 'IntegrationTested': {
        const { revision, change, receipts } = event.data;
        if (receipts.every(({ exit_code, tree }) => exit_code === 0 && tree === change.tree))
          facts.tested.set(revision, change.tree);
        break;
      }
      case 'ReleaseQueued':
        intents.add(`${event.stream} land-${event.data.revision}`);
        break;
      case 'ReleaseDelayed':
        facts.failures = event.data.failures;
        break;
      case 'ReleaseResumed':
        intents.add(`${event.stream} ${event.data.step}-${event.data.revision}.${event.data.failures}`);
        break;
      case 'ReleaseCancelRequested':
        intents.add(`${event.stream} land-${event.data.revision}.${facts.failures}`);
        break;
      default:
    }
  }

  function ends(event: EventRecord, facts: Facts): void {
    if (event.type === 'ReleaseLanded') {
      const { mission_id, revision, tree, content_digest } = event.data;
      const real = branches!.landedFor(mission_id);
      promise(
        real.length === 1 && real[0]!.tree === tree && real[0]!.content_digest === content_digest,
        () =>
          `P7: ${event.stream} says that ${tree} landed; on the branch is ${real.map((landed) => landed.tree).join(', ') || 'nothing'}`,
      );
      promise(facts.tested.get(revision) === tree, () => `P9: ${event.stream} landed ${tree}, which is not what was tested`);
    }
    if (event.type === 'MissionCompleted')
      promise(
        branches!.landedFor(event.data.mission_id).length === 1,
        () => `P7: ${event.stream} is completed and nothing landed`,
      );
  }

  return {
    onEvent(event) {
      const facts = factsOf(event.data.mission_id);
      gates(event, facts);
      results(event, facts);
      ends(event, facts);
    },
    onLanding({ mission_id, revision, tree, content_digest }) {
      const facts = factsOf(mission_id);
      const stream = STREAM_OF.release(mission_id);
      promise(!facts.landed, () => `I8: ${stream} lands a second time`);
      promise(
        facts.queued.get(revision) === content_digest,
        () => `P5: ${stream} lands what was never queued (${content_digest})`,
      );
      promise(facts.passed.has(content_digest), () => `I7: ${stream} lands content that passed no gate`);
      promise(facts.tested.get(revision) === tree, () => `P9: ${stream} lands ${tree}, which is not what was tested`);
      facts.landed = true;
    },
    onWork: (stream, key) =>
      promise(intents.has(`${stream} ${key}`), () => `P5: ${key} of ${stream} begins before it is recorded`),
    useTargets: (targets) => void (branches = targets),
  };
}
