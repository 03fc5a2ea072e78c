import type { EventRecord } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { unapproved, unrecordedAnswers } from './approved.ts';

const event = (type: string, data: object = {}): EventRecord =>
  ({ type, data: { mission_id: 'm1', content_digest: 'd1', ...data } }) as unknown as EventRecord;
const accepted = (risk: string): EventRecord => event('MissionAccepted', { requested_by: 'ada', contract: { risk } });
const opened = event('GateOpened', { self_approval: false });
const granted = (by: string, data: object = {}): EventRecord => event('ApprovalGranted', { by: { id: by }, ...data });
const passed = (tier: string): EventRecord => event('GatePassed', { tier });
const landed = event('ReleaseLanded');

describe('what landed', () => {
  it.each<[string, readonly EventRecord[]]>([
    ['by itself, as the policy has it', [accepted('low'), passed('autonomous'), landed]],
    ['by the word of somebody else', [accepted('high'), opened, granted('grace'), passed('gate'), landed]],
  ])('is approved: %s', (_, events) => {
    expect(unapproved(events)).toEqual([]);
  });

  it.each<[string, readonly EventRecord[], string]>([
    ['no gate', [accepted('low'), landed], 'without a passed gate'],
    [
      'a gate for other content',
      [accepted('low'), event('GatePassed', { content_digest: 'd2' }), landed],
      'without a passed gate',
    ],
    ['a gate that nobody answered', [accepted('high'), opened, passed('gate'), landed], 'nobody had approved it'],
    ['a gate that took it for harmless', [accepted('high'), passed('autonomous'), landed], 'nobody had approved it'],
    [
      'an answer to other content',
      [accepted('high'), opened, granted('grace', { content_digest: 'd2' }), passed('gate'), landed],
      'nobody had approved it',
    ],
    ['its requester alone', [accepted('high'), opened, granted('ada'), passed('gate'), landed], 'by the word of ada'],
  ])('is not approved by %s', (_, events, says) => {
    expect(unapproved(events)).toEqual([expect.stringContaining(says)]);
  });
});

describe('what somebody was told is approved', () => {
  const answered = [{ mission_id: 'm1', content_digest: 'd1', by: 'grace' }];

  it('is in the record', () => {
    expect(unrecordedAnswers([granted('grace')], answered)).toEqual([]);
  });

  it('is not there by another name or for other content', () => {
    expect(unrecordedAnswers([granted('linus'), granted('grace', { content_digest: 'd2' })], answered)).toHaveLength(1);
  });
});
