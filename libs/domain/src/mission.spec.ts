import { describe, expect, it } from '@jest/globals';
import { MISSION, contract, digest, ENDLESS, tree } from '@baton/testing';
import { mission, type MissionCommand } from './mission.ts';
import { scenario } from './scenario.ts';

const accept: MissionCommand = {
  type: 'AcceptMission',
  mission_id: MISSION,
  contract,
  contract_digest: digest('a'),
  requested_by: 'ada',
  source: 'http',
};
const other: MissionCommand = { ...accept, contract_digest: digest('b') };
const reject: MissionCommand = {
  type: 'RejectMission',
  mission_id: MISSION,
  requested_by: 'ada',
  faults: [{ field: 'title', problem: 'is missing', fix: 'add it' }],
};
const cancel: MissionCommand = { type: 'CancelMission', by: 'ada', reason: 'not needed' };
const complete: MissionCommand = { type: 'CompleteMission', commit: tree('1'), tree: tree('2') };
const fail: MissionCommand = { type: 'FailMission', stage: 'plan', failure_class: 'semantic', reason: 'no way' };
const confirm: MissionCommand = { type: 'ConfirmCancel', reason: 'not needed' };
const passed = (key: string): MissionCommand => ({ type: 'DeadlinePassed', key, last_holder: null });

const given = () => scenario(mission).given();
const active = () => given().when(accept).thenHappens('MissionAccepted');
const cancelling = () => active().when(cancel).thenHappens('MissionCancelRequested');

describe('a mission', () => {
  it('is accepted and completed', () =>
    void active().thenWaits('mission').when(complete).thenHappens('MissionCompleted').thenWaits(null));
  it('is accepted once, however often it is asked for', () => void active().when(accept).thenNothing());
  it('refuses other content under the same key', () => {
    active().when(other).thenRefused('different-content');
    active().when(reject).thenRefused('different-content');
    active().when(complete).when(other).thenRefused('different-content');
    cancelling().when(confirm).when(other).thenRefused('different-content');
  });
  it('is what it was after its end, when it is asked for again', () => void active().when(complete).when(accept).thenNothing());
  it('may be rejected, mended and accepted under the same key', () =>
    void given()
      .when(reject)
      .thenHappens('MissionRejected')
      .thenWaits(null)
      .when(reject)
      .thenHappens('MissionRejected')
      .when(accept)
      .thenHappens('MissionAccepted')
      .thenWaits('mission'));
  it('names at most as many faults, and as much of each, as can be read back', () => {
    const faults = Array.from({ length: 150 }, () => ({ field: ENDLESS, problem: ENDLESS, fix: ENDLESS }));
    given().when({ type: 'RejectMission', mission_id: MISSION, requested_by: 'ada', faults }).thenHappens('MissionRejected');
  });
  it('fails with what failed it', () =>
    void active()
      .when(fail)
      .thenHappens({
        type: 'MissionFailed',
        data: { mission_id: MISSION, stage: 'plan', failure_class: 'semantic', reason: 'no way' },
      })
      .thenWaits(null));
  it('is cancelled when its parts confirm', () => {
    cancelling()
      .thenWaits('cancelling')
      .when(confirm)
      .thenHappens({ type: 'MissionCancelled', data: { mission_id: MISSION, reason: 'not needed', confirmed: true } });
    cancelling().when(fail).thenHappens('MissionCancelled');
  });
  it('tells a landing as it is, although it was to be cancelled', () =>
    void cancelling().when(complete).thenHappens('MissionCompleted'));
  it('is cancelled without confirmation when nobody answers in time, and completed after all if it landed', () => {
    const silent = cancelling()
      .when(passed('cancelling'))
      .thenHappens({ type: 'MissionCancelled', data: { mission_id: MISSION, reason: 'not needed', confirmed: false } });
    silent
      .when(confirm)
      .thenNothing()
      .when(fail)
      .thenNothing()
      .when(complete)
      .thenHappens('MissionCompleted')
      .when(complete)
      .thenNothing();
  });
  it('stays cancelled once its parts confirmed', () => void cancelling().when(confirm).when(complete).thenNothing());
  it('is cancelled by itself when its time is over', () => {
    active()
      .when(passed('mission'))
      .thenHappens('MissionCancelRequested')
      .when(passed('mission'))
      .thenNothing()
      .thenWaits('cancelling');
    active().when(passed('cancelling')).thenNothing();
  });
  it('cannot be cancelled before it is known or after its end', () => {
    given().when(cancel).thenRefused('unknown-mission');
    given().when(reject).when(cancel).thenRefused('unknown-mission');
    active().when(complete).when(cancel).thenRefused('already-ended');
    active().when(fail).when(cancel).thenRefused('already-ended');
    cancelling().when(cancel).thenNothing();
    cancelling().when(confirm).when(cancel).thenNothing();
  });
  it('is not changed by what comes before it or after its end', () => {
    for (const early of [complete, fail, confirm, passed('mission')]) given().when(early).thenNothing();
    for (const end of [complete, fail])
      for (const late of [complete, fail, confirm, passed('mission'), passed('cancelling')])
        active().when(end).when(late).thenNothing();
  });
  it('keeps reasons readable, however long they are told', () => {
    active()
      .when({ ...fail, reason: ENDLESS })
      .thenHappens('MissionFailed');
    expect(active().when({ ...cancel, reason: ENDLESS }).state).toMatchObject({
      status: 'cancelling',
      reason: `${'x'.repeat(3_999)}…`,
    });
  });
});
