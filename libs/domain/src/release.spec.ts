import { describe, expect, it } from '@jest/globals';
import { change, delivery, digest, ENDLESS, MISSION, receipt, tree } from '@baton/testing';
import { release, type ReleaseCommand } from './release.ts';
import { scenario } from './scenario.ts';

const accepted = [{ task_id: 'a', artifact: digest('1'), tree: tree('1') }];
const start: ReleaseCommand = { type: 'StartRelease', mission_id: MISSION, delivery, accepted };
/** The tree differs with the base; the content (what was approved) only where it is told to. */
const tested = (revision: number, content = 'c', exit_code = 0): ReleaseCommand => ({
  type: 'RecordIntegration',
  revision,
  change: change(String(revision), content),
  receipts: [receipt(String(revision), exit_code)],
  content_digest: digest(content),
});
const gate = (revision: number, outcome: 'passed' | 'denied' | 'expired' = 'passed', content = 'c'): ReleaseCommand => ({
  type: 'RecordGate',
  revision,
  content_digest: digest(content),
  outcome,
  reason: outcome,
});
const landed = (revision: number, letter = String(revision)): ReleaseCommand => ({
  type: 'RecordLanding',
  revision,
  commit: tree('9'),
  tree: tree(letter),
});
const moved = (revision: number): ReleaseCommand => ({ type: 'RecordTargetMoved', revision, target_commit: tree('8') });
const cancel: ReleaseCommand = { type: 'CancelRelease', mission_id: MISSION, reason: 'not needed' };
const failed = (key: string, cause = 'does not merge'): ReleaseCommand => ({
  type: 'WorkFailed',
  key,
  failure_class: 'semantic',
  cause,
});
const passed = (key: string): ReleaseCommand => ({ type: 'DeadlinePassed', key, last_holder: 'release-1' });

const given = () => scenario(release).given();
const integrating = () => given().when(start).thenHappens('IntegrationStarted').thenWaits('integrate-1');
const gated = () => integrating().when(tested(1)).thenHappens('IntegrationTested', 'ReleaseProposed').thenWaits('gate-1');
const landing = () => gated().when(gate(1)).thenHappens('ReleaseQueued').thenWaits('land-1');
const again = () => landing().when(moved(1)).thenHappens('TargetMoved', 'IntegrationStarted').thenWaits('integrate-2');

describe('a release', () => {
  it('integrates, tests, asks, lands and verifies', () => {
    const { events } = landing().when(landed(1)).thenHappens('ReleaseLanded', 'ReleaseVerified').thenWaits(null);
    expect(events[0]).toMatchObject({ data: { content_digest: digest('c'), tree: tree('1') } });
  });
  it('does not propose what does not hold: a check that failed, that is missing, or that was run on another tree', () => {
    integrating()
      .when(tested(1, 'c', 1))
      .thenHappens('IntegrationTested', 'ReleaseFailed')
      .thenWaits(null);
    integrating()
      .when({ ...tested(1), receipts: [] } as ReleaseCommand)
      .thenHappens('IntegrationTested', 'ReleaseFailed');
    integrating()
      .when({ ...tested(1), receipts: [receipt('7')] } as ReleaseCommand)
      .thenHappens('IntegrationTested', 'ReleaseFailed');
  });
  it('fails when it is denied or nobody answered', () => {
    for (const outcome of ['denied', 'expired'] as const)
      expect(gated().when(gate(1, outcome)).thenHappens('ReleaseFailed').thenWaits(null).events[0]).toMatchObject({
        data: { failure_class: 'policy', reason: outcome },
      });
    gated().when(passed('gate-1')).thenHappens('ReleaseFailed');
  });
  it('refuses an approval of other content', () =>
    void gated()
      .when(gate(1, 'passed', 'd'))
      .thenRefused('different-content')
      .thenWaits('gate-1'));
  it('needs no second answer for the same content on a target that moved', () =>
    void again()
      .when(tested(2))
      .thenHappens('IntegrationTested', 'ReleaseQueued')
      .thenWaits('land-2')
      .when(landed(2))
      .thenHappens('ReleaseLanded', 'ReleaseVerified'));
  it('needs a new answer for other content on a target that moved', () => {
    const second = again().when(tested(2, 'd')).thenHappens('IntegrationTested', 'ReleaseProposed').thenWaits('gate-2');
    second
      .when(gate(1))
      .thenNothing()
      .when(gate(2, 'passed', 'c'))
      .thenRefused('different-content')
      .when(gate(2, 'passed', 'd'))
      .thenHappens('ReleaseQueued');
  });
  it('tests again after a move: what held before may not hold now', () =>
    void again()
      .when(tested(2, 'c', 1))
      .thenHappens('IntegrationTested', 'ReleaseFailed'));
  it('refuses to have landed what was not tested', () =>
    void landing().when(landed(1, '7')).thenRefused('different-tree').thenWaits('land-1'));
  it('fails with its work', () => {
    integrating().when(failed('integrate-1')).thenHappens('ReleaseFailed').thenWaits(null);
    landing().when(failed('land-1')).thenHappens('ReleaseFailed');
    for (const state of [gated(), again()]) state.when(failed('land-1')).thenNothing().when(failed('integrate-1')).thenNothing();
  });
  it('is taken over by another release service when its own is gone', () => {
    integrating().when(passed('integrate-1')).thenNothing().thenWaits('integrate-1');
    landing().when(passed('land-1')).thenNothing().thenWaits('land-1');
  });
  it('gives up on a target that never stands still', () => {
    let told = landing();
    for (let revision = 1; revision < 100; revision++)
      told = told
        .when(moved(revision))
        .thenHappens('TargetMoved', 'IntegrationStarted')
        .when({ ...tested(revision + 1), change: change('1', 'c'), receipts: [receipt('1')] } as ReleaseCommand)
        .thenHappens('IntegrationTested', 'ReleaseQueued');
    told.when(moved(100)).thenHappens('TargetMoved', 'ReleaseFailed').thenWaits(null);
  });
  it('can be cancelled until it lands', () => {
    expect(given().when(cancel).thenHappens('ReleaseCancelled').thenWaits(null).when(start).thenNothing().events).toEqual([]);
    for (const state of [integrating(), gated()])
      expect(
        state
          .when(cancel)
          .thenHappens('ReleaseCancelled')
          .thenWaits(null)
          .when(cancel)
          .thenNothing()
          .when(tested(1))
          .thenNothing()
          .when(gate(1))
          .thenNothing().state,
      ).toEqual({ status: 'cancelled' });
    again().when(cancel).thenHappens('ReleaseCancelled');
  });
  it('that is cancelled while it lands has landed if it did, and ends where the target moved', () => {
    const asked = landing().when(cancel).thenHappens('ReleaseCancelRequested').thenWaits('land-1').when(cancel).thenNothing();
    asked.when(landed(1)).thenHappens('ReleaseLanded', 'ReleaseVerified');
    asked.when(moved(1)).thenHappens('TargetMoved', 'ReleaseCancelled').thenWaits(null);
    asked.when(failed('land-1')).thenHappens('ReleaseFailed');
  });
  it('is not changed by what is late, early or said twice', () => {
    for (const early of [tested(1), gate(1), moved(1), landed(1), failed('integrate-1'), passed('gate-1')])
      given().when(early).thenNothing();
    for (const late of [start, tested(1), gate(1), gate(1, 'denied')]) landing().when(late).thenNothing();
    for (const late of [tested(1), moved(1), landed(1), gate(1, 'denied'), passed('gate-1')]) again().when(late).thenNothing();
    for (const late of [start, tested(1), gate(1), moved(1), landed(1), cancel, failed('land-1')])
      landing().when(landed(1)).when(late).thenNothing();
  });
  it('keeps reasons readable, however long they are told', () => {
    integrating().when(failed('integrate-1', ENDLESS)).thenHappens('ReleaseFailed');
    for (const state of [integrating(), landing()]) state.when({ ...cancel, reason: ENDLESS });
    gated()
      .when({ ...gate(1, 'denied'), reason: ENDLESS } as ReleaseCommand)
      .thenHappens('ReleaseFailed');
    const criteria = Array.from({ length: 50 }, (_, n) => ({ id: `criterion-${n}`, statement: 'y'.repeat(200) }));
    given()
      .when({ ...start, delivery: { ...delivery, criteria } })
      .when(tested(1))
      .thenHappens('IntegrationTested', 'ReleaseFailed');
  });
});
