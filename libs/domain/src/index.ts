export {
  BrokenInvariant,
  LEASE_MS,
  never,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type Waiting,
  type WorkFailed,
} from './decider.ts';
export { deciderOf, type AnyDecider } from './deciders.ts';
export { type Evaluation, type GateCommand, type GateState } from './gate.ts';
export { mission, type MissionCommand, type MissionState } from './mission.ts';
export { type Expansion, type PlanCommand, type PlanState } from './plan.ts';
export { CARD_FILES_MAX, REACTIONS, STREAM_OF, react, type Commanded } from './reactions.ts';
export { onlyLooks, type ReleaseState } from './release-state.ts';
export { type ReleaseCommand } from './release.ts';
export { review, type ReviewCommand, type ReviewState, type Verdict } from './review.ts';
export { type TaskCommand, type TaskState } from './task.ts';
