import { PROVISIONER } from '@baton/bus';
import { EVENT_STREAM, INBOUND_STREAM } from '@baton/contracts';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EXIT } from '../src/exit-codes.ts';
import { elsewhere, letterAt, type Elsewhere } from './elsewhere.ts';

jest.setTimeout(180_000);

describe('a stack with three nats-servers', () => {
  let stack: Elsewhere;
  beforeAll(async () => {
    stack = await elsewhere(3);
    await stack.append(5);
  }, 240_000);
  afterAll(() => stack?.close());

  const copiesOf = async (what: string): Promise<number | undefined> => {
    const { connection } = await stack.bus(PROVISIONER);
    const reply = await connection.request(`$JS.API.${what}`, undefined, { timeout: 10_000 });
    return reply.json<{ config?: { num_replicas: number } }>().config?.num_replicas;
  };
  const copies = async (): Promise<readonly (number | undefined)[]> =>
    Promise.all(
      [`STREAM.INFO.${EVENT_STREAM}`, `CONSUMER.INFO.${EVENT_STREAM}.release-react`, `STREAM.INFO.${INBOUND_STREAM}`].map(
        copiesOf,
      ),
    );

  it('has as many copies of everything after the bus was rebuilt and a letter replayed, though nobody says how many', async () => {
    expect(await copies()).toEqual([3, 3, 3]);
    expect(await stack.baton(['rebuild', 'bus', '--no-checkpoints'])).toMatchObject({ exit: EXIT.ok });
    expect(await copies()).toEqual([3, 3, 3]);

    const letter = letterAt('release-react', 2);
    await stack.store('release').deadLetters.park(letter);
    expect(await stack.baton(['deadletters', 'replay', letter.id])).toMatchObject({ exit: EXIT.ok });
    expect(await copies()).toEqual([3, 3, 3]);
  });
});
