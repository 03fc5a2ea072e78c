/** What DeadLetters promise: nothing is lost of what could not be handled, and its stream stays parked until it is settled. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DeadLetter, DeadLetters } from '@baton/ports';

export interface DeadLettersSetup {
  /** Of the service `planner`. */
  readonly deadLetters: DeadLetters;
  readonly dispose: () => Promise<void>;
}

const letter = (rest: Partial<DeadLetter> = {}): DeadLetter => ({
  id: 'planner-react:7',
  consumer: 'planner-react',
  subject: 'baton.event.mission.mission-accepted',
  position: 7,
  stream: 'mission-1',
  headers: { 'ce-id': '1' },
  body: '{"title":"x"}',
  reason: 'handler-failed',
  cause: 'Error: no',
  deliveries: 5,
  ...rest,
});

export function keepsDeadLettersContract(make: () => Promise<DeadLettersSetup>): void {
  describe('keeps the contract of dead letters', () => {
    let setup: DeadLettersSetup;
    let deadLetters: DeadLetters;
    beforeEach(async () => {
      setup = await make();
      deadLetters = setup.deadLetters;
    });
    afterEach(() => setup.dispose());

    it('keeps a letter as it is, once', async () => {
      await deadLetters.park(letter());
      await deadLetters.park(letter({ cause: 'again' }));
      const kept = await deadLetters.list();
      expect(kept).toEqual([
        { ...letter(), status: 'parked', parked_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/) },
      ]);
    });

    it('keeps what is no text for a database: NUL, half a character, no position, no stream', async () => {
      const odd = letter({
        body: 'a\0b\ud800\n',
        headers: { 'ce-x': '\0' },
        cause: 'bad \0 byte',
        position: null,
        stream: null,
        reason: 'undecodable',
      });
      await deadLetters.park(odd);
      expect(await deadLetters.list()).toMatchObject([odd]);
    });

    it('parks the stream for this consumer until all its letters are settled', async () => {
      await deadLetters.park(letter());
      await deadLetters.park(letter({ id: 'planner-react:9', position: 9, reason: 'parked-behind' }));
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(true);
      expect(await deadLetters.isParked('planner-react', 'mission-2')).toBe(false);
      expect(await deadLetters.isParked('planner-inbound', 'mission-1')).toBe(false);
      expect(await deadLetters.settle('planner-react:7', 'replayed')).toBe(true);
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(true);
      expect(await deadLetters.settle('planner-react:9', 'discarded')).toBe(true);
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(false);
    });

    it('settles once, and says so', async () => {
      await deadLetters.park(letter());
      expect(await deadLetters.settle('planner-react:8', 'replayed')).toBe(false);
      expect(await deadLetters.settle('planner-react:7', 'discarded')).toBe(true);
      expect(await deadLetters.settle('planner-react:7', 'replayed')).toBe(false);
      await deadLetters.park(letter());
      expect(await deadLetters.list()).toMatchObject([{ status: 'discarded' }]);
    });

    it('parks a letter again that was replayed and failed again, with what went wrong this time', async () => {
      await deadLetters.park(letter());
      await deadLetters.park(letter({ id: 'planner-react:9', position: 9, reason: 'parked-behind' }));
      const [first] = await deadLetters.list();
      await deadLetters.settle('planner-react:7', 'replayed');
      await deadLetters.settle('planner-react:9', 'replayed');
      const again = letter({ reason: 'handler-crashed', cause: 'Error: no again', deliveries: 9 });
      await deadLetters.park(again);
      await deadLetters.park(letter({ cause: 'a repetition' }));
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(true);
      const letters = await deadLetters.list();
      expect(letters).toMatchObject([
        { id: 'planner-react:9', status: 'replayed' },
        { ...again, status: 'parked' },
      ]);
      expect(letters[1]!.parked_at >= first!.parked_at).toBe(true);
      expect(await deadLetters.settle('planner-react:7', 'replayed')).toBe(true);
    });

    it('leaves a letter alone that another consumer kept under the same id', async () => {
      await deadLetters.park(letter());
      await deadLetters.settle('planner-react:7', 'replayed');
      await deadLetters.park(letter({ consumer: 'planner-inbound' }));
      expect(await deadLetters.list()).toMatchObject([{ consumer: 'planner-react', status: 'replayed' }]);
    });

    it('says of what is tried alone what came of it, and parks its stream only then', async () => {
      const aside = letter({ stream: null, reason: 'handler-crashed', cause: 'delivered 9 times', deliveries: 9 });
      await deadLetters.park(aside);
      await deadLetters.park({ ...aside, cause: 'a repetition', deliveries: 10 });
      expect(await deadLetters.list()).toMatchObject([{ ...aside, status: 'parked' }]);
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(false);
      const failed = letter({ cause: 'TypeError: no', deliveries: 10 });
      await deadLetters.park(failed);
      await deadLetters.park(aside);
      expect(await deadLetters.list()).toMatchObject([{ ...failed, status: 'parked' }]);
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(true);
    });

    it('says of a request that was tried alone what came of it', async () => {
      const request = { position: null, stream: null } as const;
      await deadLetters.park(letter({ ...request, reason: 'handler-crashed', cause: 'delivered 9 times' }));
      const failed = letter({ ...request, reason: 'invalid', cause: 'title: is missing' });
      await deadLetters.park(failed);
      await deadLetters.park(letter({ ...request, reason: 'handler-crashed', cause: 'a repetition' }));
      expect(await deadLetters.list()).toMatchObject([{ ...failed, status: 'parked' }]);
    });

    it('leaves what is tried alone as a person left it', async () => {
      const aside = letter({ stream: null, reason: 'handler-crashed' });
      await deadLetters.park(aside);
      await deadLetters.settle(aside.id, 'discarded');
      await deadLetters.park(letter());
      expect(await deadLetters.list()).toMatchObject([{ ...aside, status: 'discarded' }]);
    });

    it('parks a letter again without its stream when it is tried alone again', async () => {
      await deadLetters.park(letter());
      await deadLetters.settle('planner-react:7', 'replayed');
      await deadLetters.park(letter({ stream: null, reason: 'handler-crashed' }));
      expect(await deadLetters.isParked('planner-react', 'mission-1')).toBe(false);
    });

    it('knows what is put aside: each parked stream once, and how far something was discarded', async () => {
      const known = async (consumer: string) => deadLetters.putAside(consumer);
      expect(await known('planner-react')).toEqual({ streams: [], discarded_up_to: 0 });
      const at = (position: number, stream: string | null, rest: Partial<DeadLetter> = {}) =>
        deadLetters.park(letter({ id: `${rest.consumer ?? 'planner-react'}:${position}`, position, stream, ...rest }));
      for (const position of [1, 2, 3]) await at(position, 'mission-2');
      for (const position of [4, 5]) await at(position, 'mission-1');
      await at(6, null);
      await at(7, 'mission-3');
      await at(8, 'mission-4');
      await at(9, 'mission-5', { consumer: 'planner-inbound' });
      await deadLetters.park(letter({ id: 'request', position: null, stream: null, consumer: 'planner-inbound' }));
      await deadLetters.settle('planner-react:2', 'discarded');
      await deadLetters.settle('planner-react:7', 'discarded');
      await deadLetters.settle('planner-react:8', 'replayed');
      await deadLetters.settle('request', 'discarded');
      expect(await known('planner-react')).toEqual({ streams: ['mission-1', 'mission-2'], discarded_up_to: 7 });
      expect(await known('planner-inbound')).toEqual({ streams: ['mission-5'], discarded_up_to: 0 });
    });

    it('finds one by its id, whatever became of it', async () => {
      await deadLetters.park(letter());
      await deadLetters.settle('planner-react:7', 'discarded');
      expect(await deadLetters.find('planner-react:7')).toEqual((await deadLetters.list())[0]);
      expect(await deadLetters.find('planner-react:8')).toBeNull();
    });

    it('counts what is parked, by consumer and reason', async () => {
      expect(await deadLetters.counts()).toEqual([]);
      for (const id of ['a', 'b', 'c']) await deadLetters.park(letter({ id, reason: 'parked-behind' }));
      await deadLetters.park(letter({ id: 'd' }));
      await deadLetters.park(letter({ id: 'e', consumer: 'planner-inbound' }));
      await deadLetters.settle('c', 'replayed');
      expect(await deadLetters.counts()).toEqual([
        { consumer: 'planner-inbound', reason: 'handler-failed', parked: 1 },
        { consumer: 'planner-react', reason: 'handler-failed', parked: 1 },
        { consumer: 'planner-react', reason: 'parked-behind', parked: 2 },
      ]);
    });

    it('lists in the order of parking, by consumer and by status', async () => {
      await deadLetters.park(letter({ id: 'b' }));
      await deadLetters.park(letter({ id: 'c', consumer: 'planner-inbound' }));
      await deadLetters.park(letter({ id: 'd' }));
      await deadLetters.settle('b', 'replayed');
      const ids = async (filter?: Parameters<DeadLetters['list']>[0]): Promise<readonly string[]> =>
        (await deadLetters.list(filter)).map((kept) => kept.id);
      expect(await ids()).toEqual(['b', 'c', 'd']);
      expect(await ids({ consumer: 'planner-react' })).toEqual(['b', 'd']);
      expect(await ids({ consumer: 'planner-react', status: 'parked' })).toEqual(['d']);
      expect(await ids({ status: 'replayed' })).toEqual(['b']);
    });
  });
}
