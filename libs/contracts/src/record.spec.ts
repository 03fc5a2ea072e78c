import { describe, expect, it } from '@jest/globals';
import { missionContractSchema } from './mission.ts';
import { parseData, UnreadableEvent } from './record.ts';

const contract = missionContractSchema.parse({
  baton: 'mission/v1',
  title: 'A mission',
  objective: 'Something better',
  scope: { include: ['**'] },
  non_goals: ['Anything else'],
  criteria: [{ id: 'tests', statement: 'The tests pass', check: { run: ['npm', 'test'] } }],
  rollback: 'Revert it',
  risk: 'low',
  agent: { runtime: 'command', command: ['agent'] },
});
const accepted = {
  mission_id: 'm-1',
  contract,
  contract_digest: `sha256:${'1'.repeat(64)}`,
  requested_by: 'ada',
  source: 'http',
};
const more = { of_a_newer_release: { any: ['thing'] } };
const parse = (data: unknown, schema_version = 1) => parseData('MissionAccepted', schema_version, JSON.stringify(data));
const kindOf = (data: unknown, schema_version?: number): string => {
  try {
    parse(data, schema_version);
    return 'read';
  } catch (error) {
    return error instanceof UnreadableEvent ? error.kind : 'broken';
  }
};

describe('the data of an event', () => {
  it('is read without what a newer release has added, at any depth', () => {
    const known = parse(accepted);
    const richer = {
      ...accepted,
      ...more,
      contract: {
        ...contract,
        ...more,
        scope: { ...contract.scope, ...more },
        criteria: contract.criteria.map((one) => ({ ...one, ...more, check: { ...one.check, ...more } })),
        agent: { ...contract.agent, ...more },
      },
    };
    expect(parse(richer)).toEqual(known);
  });

  it('is not read where something else is wrong as well, or of a version that is not known', () => {
    expect(kindOf({ ...accepted, ...more, contract: { ...contract, ...more, risk: 'none' } })).toBe('invalid');
    expect(kindOf({ ...accepted, contract: { ...contract, agent: { runtime: 'telepathy', ...more } } })).toBe('invalid');
    expect(kindOf({ ...accepted, ...more }, 2)).toBe('unknown-type');
    expect(kindOf(null)).toBe('invalid');
  });

  it('that people write is told of what nobody reads: there it is strict', () => {
    expect(missionContractSchema.safeParse({ ...contract, ...more }).success).toBe(false);
  });
});
