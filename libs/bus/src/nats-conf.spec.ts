import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { BUS_USERS, CONSUMERS, EVENT_STREAM } from '@baton/contracts';
import { natsConf } from './nats-conf.ts';
import { CLI, permissionsOf } from './permissions.ts';

describe('nats.conf', () => {
  it('is what the permissions say', () => {
    const file = readFileSync(new URL('../../../deploy/nats/nats.conf', import.meta.url), 'utf8');
    expect(file).toBe(natsConf());
  });

  it('lets the relay alone publish events, and nobody listen where others get their answers; the CLI may watch events go by', () => {
    const writers = BUS_USERS.filter((user) =>
      permissionsOf(user).publish.some(
        (subject) => subject.startsWith('baton.event') || subject === '>' || subject === 'baton.>',
      ),
    );
    expect(writers).toEqual(['relay']);
    for (const user of BUS_USERS)
      expect(permissionsOf(user).subscribe).toEqual(user === CLI ? [`_INBOX_${user}.>`, 'baton.event.>'] : [`_INBOX_${user}.>`]);
  });

  it('lets the relay alone trim the stream of events, and nobody that of requests', () => {
    const trimmers = BUS_USERS.flatMap((user) =>
      permissionsOf(user)
        .publish.filter((subject) => /^\$JS\.API\.(STREAM\.(PURGE|\*|>)|>|\*)/.test(subject))
        .map((subject) => [user, subject]),
    );
    expect(trimmers).toEqual([['relay', `$JS.API.STREAM.PURGE.${EVENT_STREAM}`]]);
  });

  it('lets each consumer be pulled by its service alone', () => {
    for (const [name, { service, stream }] of Object.entries(CONSUMERS)) {
      const pullers = BUS_USERS.filter((user) =>
        permissionsOf(user).publish.includes(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`),
      );
      expect(pullers).toEqual([service]);
    }
  });
});
