export {
  BrokenInvariant,
  LEASE_MS,
  accept,
  already,
  never,
  refuse,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type Waiting,
  type WorkFailed,
} from './decider.ts';
export { DECIDERS, deciderOf, type AnyDecider } from './deciders.ts';
export { gate, GATE_OPEN_MS, type Evaluation, type GateCommand, type GateState } from './gate.ts';
export { mission, type MissionCommand, type MissionState } from './mission.ts';
export { plan, type Expansion, type PlanCommand, type PlanState } from './plan.ts';
export { CARD_FILES_MAX, REACTIONS, STREAM_OF, react, type Commanded } from './reactions.ts';
export { onlyLooks, type ReleaseState } from './release-state.ts';
export { release, type ReleaseCommand } from './release.ts';
export { REVIEW_ROUNDS_MAX, review, type ReviewCommand, type ReviewState, type Verdict } from './review.ts';
export { task, type TaskCommand, type TaskState } from './task.ts';
