import { describe, expect, it } from '@jest/globals';
import { change, delivery, digest, ENDLESS, MISSION, receipt, tree } from '@baton/testing';
import { OUTAGE_MS_MAX } from './outage.ts';
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
const away = (key: string, cause = 'could not resolve host'): ReleaseCommand => ({
  type: 'WorkFailed',
  key,
  failure_class: 'transient',
  cause,
});
const absent = (revision: number): ReleaseCommand => ({ type: 'RecordNotLanded', revision });
const passed = (key: string): ReleaseCommand => ({ type: 'DeadlinePassed', key, last_holder: 'release-1' });

const given = () => scenario(release).given();
const integrating = () => given().when(start).thenHappens('IntegrationStarted').thenWaits('integrate-1');
const gated = () => integrating().when(tested(1)).thenHappens('IntegrationTested', 'ReleaseProposed').thenWaits('gate-1');
const landing = () => gated().when(gate(1)).thenHappens('ReleaseQueued').thenWaits('land-1');
const delayed = () => landing().when(away('land-1')).thenHappens('ReleaseDelayed').thenWaits('delayed-1-1');
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
  it('is not failed by what may pass: it waits, longer each time, and goes on with the same step', () => {
    for (const [step, begun] of [
      ['integrate', integrating()],
      ['land', landing()],
    ] as const) {
      let told = begun;
      for (const [failures, after_ms] of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
        const key = failures === 0 ? `${step}-1` : `${step}-1.${failures}`;
        told = told
          .when(away(key))
          .thenHappens('ReleaseDelayed')
          .thenWaits(`delayed-1-${failures + 1}`);
        expect(told.events).toMatchObject([
          { data: { step, failures: failures + 1, after_ms, reason: 'could not resolve host' } },
        ]);
        const waiting = release.waitingOn(told.state);
        expect(waiting).toMatchObject({ on: 'time', after_ms, reason: expect.stringContaining('could not resolve host') });
        told = told
          .when(passed(`delayed-1-${failures + 1}`))
          .thenHappens('ReleaseResumed')
          .thenWaits(`${step}-1.${failures + 1}`);
      }
    }
  });
  it('goes on from an outage as if there had been none', () => {
    const resumed = delayed().when(passed('delayed-1-1')).thenHappens('ReleaseResumed').thenWaits('land-1.1');
    resumed.when(landed(1)).thenHappens('ReleaseLanded', 'ReleaseVerified').thenWaits(null);
    resumed.when(moved(1)).thenHappens('TargetMoved', 'IntegrationStarted').thenWaits('integrate-2');
    resumed.when(failed('land-1.1')).thenHappens('ReleaseFailed');
    // The next outage begins from the start.
    const tested_late = integrating().when(away('integrate-1')).when(passed('delayed-1-1')).when(tested(1)).thenWaits('gate-1');
    expect(tested_late.when(gate(1)).when(away('land-1')).events).toMatchObject([{ data: { failures: 1, waited_ms: 0 } }]);
  });
  it('believes who landed although he was thought to have failed', () =>
    void delayed().when(landed(1)).thenHappens('ReleaseLanded', 'ReleaseVerified').thenWaits(null));
  it('is not delayed again by what an earlier try reports late', () => {
    delayed().when(away('land-1')).thenNothing();
    delayed().when(passed('delayed-1-1')).when(away('land-1')).thenNothing().when(failed('land-1')).thenNothing();
  });
  it('gives up an outage after hours, and says what is not known then', () => {
    for (const [step, begun, known] of [
      ['integrate', integrating(), 'nothing landed'],
      [
        'land',
        landing(),
        `whether it landed is not known: look on the target branch for a commit with "Baton-Mission: ${MISSION}"`,
      ],
    ] as const) {
      let told = begun;
      let waited_ms = 0;
      for (let failures = 0; ; failures++) {
        told = told.when(away(failures === 0 ? `${step}-1` : `${step}-1.${failures}`, ENDLESS));
        const [event] = told.events;
        if (event?.type !== 'ReleaseDelayed') break;
        waited_ms += event.data.after_ms;
        told = told.when(passed(`delayed-1-${failures + 1}`)).thenHappens('ReleaseResumed');
      }
      expect(waited_ms).toBe(OUTAGE_MS_MAX);
      expect(told.thenWaits(null).events).toMatchObject([
        { type: 'ReleaseFailed', data: { failure_class: 'transient', reason: expect.stringContaining(known) } },
      ]);
    }
  });
  it('that is cancelled during an outage is not landed any more, unless it has landed already', () => {
    integrating()
      .when(away('integrate-1'))
      .when(cancel)
      .thenHappens('ReleaseCancelled')
      .thenWaits(null)
      .when(passed('delayed-1-1'))
      .thenNothing();
    // Looked for at once, and for as long as the target cannot be read.
    const looking = delayed().when(cancel).thenHappens('ReleaseCancelRequested').thenWaits('land-1.1');
    looking.when(absent(2)).thenNothing().when(absent(1)).thenHappens('ReleaseCancelled').thenWaits(null);
    looking.when(landed(1)).thenHappens('ReleaseLanded', 'ReleaseVerified');
    const still = looking
      .when(away('land-1.1'))
      .thenHappens('ReleaseDelayed')
      .thenWaits('delayed-1-2')
      .when(cancel)
      .thenNothing();
    still.when(passed('delayed-1-2')).thenHappens('ReleaseResumed').when(absent(1)).thenHappens('ReleaseCancelled');
    // Where the push may be on its way, not being there yet proves nothing.
    landing().when(cancel).when(absent(1)).thenNothing();
    delayed().when(passed('delayed-1-1')).when(absent(1)).thenNothing();
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
