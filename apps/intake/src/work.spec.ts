import type { InboundDelivery } from '@baton/ports';
import { describe, expect, it } from '@jest/globals';
import { contract } from '../test/contract.fixture.ts';
import { intake, submission, type Submission } from './work.ts';

const asked: Submission = { idempotency_key: 'k-1', requested_by: 'ada', contract: contract(), source: 'http' };
const deep: unknown = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000));

describe('a submission', () => {
  it('is the same mission under the same key, whatever it says and whichever way it came', () => {
    const { stream } = submission(asked);
    expect(submission({ ...asked, source: 'event' }).stream).toBe(stream);
    expect(submission({ ...asked, contract: contract({ title: 'Another' }) }).stream).toBe(stream);
    expect(submission({ ...asked, contract: null }).stream).toBe(stream);
    expect(submission({ ...asked, idempotency_key: 'k-2' }).stream).not.toBe(stream);
  });

  it('is the same request as long as its content is, in any order of keys', () => {
    const { causation_id } = submission(asked);
    const reordered = Object.fromEntries(Object.entries(contract()).toReversed());
    expect(submission({ ...asked, contract: reordered, source: 'event' }).causation_id).toBe(causation_id);
    expect(submission({ ...asked, contract: contract({ title: 'Another' }) }).causation_id).not.toBe(causation_id);
    expect(submission({ ...asked, idempotency_key: 'k-2' }).causation_id).not.toBe(causation_id);
  });

  it('is another request once it is mended', () => {
    const faulty = submission({ ...asked, contract: contract({ title: '' }) });
    expect(faulty.command).toMatchObject({ type: 'RejectMission', faults: [{ field: 'title' }] });
    expect(submission(asked).command.type).toBe('AcceptMission');
    expect(faulty.causation_id).not.toBe(submission(asked).causation_id);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['nested without end', deep],
    ['nested without end inside', contract({ parameters: { depth: deep } })],
    ['a lone surrogate', '\ud800'],
  ])('is rejected, not failed, when the contract is %s', (_name, body) => {
    expect(submission({ ...asked, contract: body }).command.type).toBe('RejectMission');
  });
});

describe('an inbound request', () => {
  const delivery = { headers: {} } as InboundDelivery;
  it('that names nobody is invalid, with every fault in one message', () => {
    expect(() => intake.inbound!.SubmitMission!({ contract: contract() }, delivery)).toThrow(/idempotency_key: .*requested_by: /);
    expect(() => intake.inbound!.CancelMission!(null, delivery)).toThrow('body: ');
  });

  it('is the same mission and the same person in whichever form of Unicode it came', () => {
    const of = (key: string, person: string) =>
      intake.inbound!.SubmitMission!({ idempotency_key: key, requested_by: person, contract: contract() }, delivery)[0];
    const composed = of('schl\u00FCssel', 'Jos\u00E9');
    expect(of('schlu\u0308ssel', ' Jose\u0301 ')).toEqual(composed);
    expect(composed?.actor).toEqual({ kind: 'person', id: 'Jos\u00E9' });
    const [cancelled] = intake.inbound!.CancelMission!({ mission_id: 'm', by: 'Jose\u0301' }, delivery);
    expect(cancelled?.actor).toEqual({ kind: 'person', id: 'Jos\u00E9' });
  });
});
