import {
  categoryOf,
  CONSUMERS,
  describeEvent,
  EVENT_STREAM,
  EVENT_TYPES,
  EVENTS,
  SERVICE_NAMES,
  SERVICES,
  subjectOf,
  type BatonEvent,
  type EventType,
} from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { change, contract, delivery, digest, finding, MISSION, person, base, receipt, task, tree } from '@baton/testing';
import { DECIDERS } from './deciders.ts';
import { CARD_FILES_MAX, react, REACTIONS, STREAM_OF } from './reactions.ts';

/** A value for every field that any answered event has. */
const fields = {
  mission_id: MISSION,
  task_id: 'a',
  attempt: 1,
  revision: 1,
  task: task('a'),
  base,
  change: change('1'),
  receipts: [receipt('1')],
  findings: [finding],
  summary: '',
  reason: 'because',
  contract,
  contract_digest: digest('c'),
  requested_by: 'ada',
  source: 'http',
  by: person('ada'),
  commit: tree('1'),
  tree: tree('1'),
  failure_class: 'semantic',
  stop: ['a', 'b'],
  outcome: 'accepted',
  artifact: digest('1'),
  content_digest: digest('a'),
  delivery,
  checks: [],
  accepted: [{ task_id: 'a', artifact: digest('1'), tree: tree('1') }],
  channel: 'web',
  tier: 'gate',
  policy: { id: 'p', version: '1', digest: digest('d'), rule: 'r', input_digest: digest('e') },
};
const sample = (type: EventType): BatonEvent =>
  ({
    type,
    data: describeEvent(type)!.schema.parse({ ...fields, ...(type === 'MissionCancelRequested' ? { by: 'ada' } : {}) }),
  }) as BatonEvent;

describe('the reactions', () => {
  it.each(SERVICE_NAMES.filter((service) => service !== 'metrics'))(
    '%s takes from the bus exactly what it answers, each type once',
    (service) => {
      const taken = Object.values(CONSUMERS).flatMap((consumer) =>
        consumer.service === service && consumer.stream === EVENT_STREAM ? [...consumer.takes] : [],
      );
      expect(taken.toSorted()).toEqual(Object.keys(REACTIONS[service]).toSorted());
    },
  );
  it.each(
    SERVICE_NAMES.flatMap((service) => Object.keys(REACTIONS[service]).map((type) => [service, type as EventType] as const)),
  )('%s answers %s with commands to streams of its own', (service, type) => {
    const commanded = react(service, sample(type));
    expect(commanded.length).toBeGreaterThan(0);
    const owned: readonly string[] = SERVICES[service].appends;
    for (const { stream, command } of commanded) {
      expect(owned).toContain(categoryOf(stream));
      const decider = DECIDERS[categoryOf(stream) as keyof typeof DECIDERS];
      // A command that the decider does not know would be a broken invariant.
      expect(() => decider.decide(command as never, decider.initial as never)).not.toThrow();
    }
  });
  it('has one stream per command of one event, so that no two of them share event ids', () => {
    for (const service of SERVICE_NAMES)
      for (const type of Object.keys(REACTIONS[service])) {
        const streams = react(service, sample(type as EventType)).map(({ stream }) => stream);
        expect(new Set(streams).size).toBe(streams.length);
      }
  });
  it('cancels no gate of a release that never came to one', () =>
    expect(react('approval', { type: 'ReleaseCancelled', data: { mission_id: MISSION, revision: 0, reason: '' } })).toEqual([]));
  it('says on a card how many files a change has, and names only the first of them', () => {
    const files = Array.from({ length: 51 }, (_, nth) => (nth < 50 ? `a/${String(nth)}.md` : 'z/evil.sh'));
    const proposed = { ...fields, change: { ...change('1'), files } };
    const [asked] = react('approval', {
      type: 'ReleaseProposed',
      data: describeEvent('ReleaseProposed')!.schema.parse(proposed),
    } as BatonEvent);
    expect(asked?.command).toMatchObject({ card: { files: files.slice(0, CARD_FILES_MAX), files_total: 51 }, target: { files } });
  });
  it('does not answer what nobody asked it', () => expect(react('metrics', sample('PlanFailed'))).toEqual([]));
  it('names streams by the categories of the catalogue, and every event has a subject of its own', () => {
    expect(Object.keys(STREAM_OF).toSorted()).toEqual(Object.keys(EVENTS).toSorted());
    expect(Object.keys(DECIDERS).toSorted()).toEqual(Object.keys(EVENTS).toSorted());
    expect(new Set(EVENT_TYPES.map(subjectOf)).size).toBe(EVENT_TYPES.length);
  });
});
