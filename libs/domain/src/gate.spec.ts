import { describe, expect, it } from '@jest/globals';
import { digest, ENDLESS, evaluation, openGate, person } from '@baton/testing';
import { gate, GATE_OPEN_MS, type GateCommand } from './gate.ts';
import { scenario } from './scenario.ts';

const answer = (by: string, given: 'approve' | 'deny' = 'approve', content_digest = digest('a')): GateCommand => ({
  type: 'AnswerGate',
  answer: given,
  content_digest,
  by: person(by),
  channel: 'web',
  reason: '',
});
const supersede: GateCommand = { type: 'SupersedeGate', reason: 'the release failed' };
const passed = (key = 'gate'): GateCommand => ({ type: 'DeadlinePassed', key, last_holder: null });

const given = () => scenario(gate).given();
const open = () =>
  given()
    .when(openGate(evaluation('gate')))
    .thenHappens('GateOpened')
    .thenWaits('gate');

describe('a gate', () => {
  it('passes by itself where the policy asks for nobody, and says which rule it was', () => {
    for (const tier of ['autonomous', 'notify'] as const) {
      const { events } = given()
        .when(openGate(evaluation(tier)))
        .thenHappens('GatePassed')
        .thenWaits(null);
      expect(events[0]).toMatchObject({
        data: { tier, policy: evaluation(tier).policy, by: { kind: 'service', id: 'approval' } },
      });
    }
  });
  it('is not opened before the policy was asked', () => void given().when(openGate(null)).thenRefused('policy-not-evaluated'));
  it('passes when somebody else grants what was shown', () => {
    const { events } = open().when(answer('grace')).thenHappens('ApprovalGranted', 'GatePassed').thenWaits(null);
    expect(events[1]).toMatchObject({ data: { content_digest: digest('a'), by: person('grace'), tier: 'gate' } });
  });
  it('refuses the approval of who asked for it, but for where the policy allows it', () => {
    open()
      .when(answer('ada'))
      .thenRefused('self-approval')
      .thenWaits('gate')
      .when(answer('grace'))
      .thenHappens('ApprovalGranted', 'GatePassed');
    given()
      .when(openGate(evaluation('gate', true)))
      .when(answer('ada'))
      .thenHappens('ApprovalGranted', 'GatePassed');
  });
  it.each(['ADA', 'Ada'])('refuses it however they write their name: %s', (by) => {
    open().when(answer(by)).thenRefused('self-approval').thenWaits('gate');
  });
  it.each([
    ['Jos\u00E9', 'jose\u0301'],
    ['Stra\u00DFe', 'STRASSE'],
    ['\u03A3\u03AF\u03C3\u03C5\u03C6\u03BF\u03C2', '\u03A3\u038A\u03A3\u03A5\u03A6\u039F\u03A3'],
  ])('takes %s and %s for one person', (requested_by, by) => {
    given()
      .when({ ...openGate(evaluation('gate')), requested_by })
      .thenHappens('GateOpened')
      .when(answer(by))
      .thenRefused('self-approval')
      .when(answer(`${by}s`))
      .thenHappens('ApprovalGranted', 'GatePassed');
  });
  it('may be denied by anybody, also by who asked for it', () =>
    void open().when(answer('ada', 'deny')).thenHappens('ApprovalDenied').thenWaits(null));
  it('refuses content nobody saw', () => {
    open()
      .when(answer('grace', 'approve', digest('b')))
      .thenRefused('different-content')
      .thenWaits('gate');
    open()
      .when(answer('grace', 'deny', digest('b')))
      .thenRefused('different-content');
  });
  it('is decided once: the first answer wins, and the same answer again is no news', () => {
    const granted = open().when(answer('grace'));
    granted.when(answer('grace')).thenNothing();
    for (const late of [answer('grace', 'deny'), answer('linus'), answer('grace', 'approve', digest('b'))])
      granted.when(late).thenRefused('already-decided');
    const denied = open().when(answer('grace', 'deny'));
    denied.when(answer('grace', 'deny')).thenNothing().when(answer('linus')).thenRefused('already-decided');
    given()
      .when(openGate(evaluation('notify')))
      .when(answer('grace'))
      .thenRefused('already-decided');
  });
  it('expires when nobody answers, and takes no answer afterwards', () => {
    const expired = open().when(passed()).thenHappens('GateExpired').thenWaits(null);
    expired.when(answer('grace')).thenRefused('expired').when(passed()).thenNothing().when(supersede).thenNothing();
    open().when(passed('other')).thenNothing();
    expect(GATE_OPEN_MS).toBe(86_400_000);
  });
  it('is superseded with what it was for', () =>
    void open()
      .when(supersede)
      .thenHappens('GateSuperseded')
      .thenWaits(null)
      .when(answer('grace'))
      .thenRefused('superseded')
      .when(supersede)
      .thenNothing());
  it('is opened once', () => {
    for (const end of [answer('grace'), answer('grace', 'deny'), supersede, passed()])
      open()
        .when(end)
        .when(openGate(evaluation('gate')))
        .thenNothing();
    open()
      .when(openGate(evaluation('autonomous')))
      .thenNothing()
      .thenWaits('gate');
  });
  it('is not changed by what comes before it', () => {
    given().when(answer('grace')).thenRefused('unknown-card').when(supersede).thenNothing().when(passed()).thenNothing();
  });
  it('keeps reasons readable, however long they are told', () => {
    open()
      .when({ ...supersede, reason: ENDLESS })
      .thenHappens('GateSuperseded');
    open()
      .when({ ...answer('grace', 'deny'), reason: ENDLESS } as GateCommand)
      .thenHappens('ApprovalDenied');
  });
});
