/** What Watermarks promise: they go back only where a consumer is given something back. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Watermarks } from '@baton/ports';

export interface WatermarksSetup {
  /** Two processes of the service `planner`. */
  readonly watermarks: readonly [Watermarks, Watermarks];
  readonly dispose: () => Promise<void>;
}

export function keepsWatermarksContract(make: () => Promise<WatermarksSetup>): void {
  describe('keeps the contract of watermarks', () => {
    let setup: WatermarksSetup;
    beforeEach(async () => {
      setup = await make();
    });
    afterEach(() => setup.dispose());

    it('keeps the greatest position of each consumer', async () => {
      const [watermarks, other] = setup.watermarks;
      expect(await watermarks.read()).toEqual(new Map());
      await watermarks.advance('planner-react', 7);
      await other.advance('planner-react', 3);
      await watermarks.advance('planner-inbound', 1);
      expect(await other.read()).toEqual(
        new Map([
          ['planner-react', 7],
          ['planner-inbound', 1],
        ]),
      );
    });

    it('keeps the greatest of many at once', async () => {
      await Promise.all(
        Array.from({ length: 30 }, (_, nth) =>
          (setup.watermarks[nth % 2] as Watermarks).advance('planner-react', (nth * 7) % 30),
        ),
      );
      expect((await setup.watermarks[0].read()).get('planner-react')).toBe(29);
    });

    it('goes back to what is given back, never forward by it, and advances from there', async () => {
      const [watermarks, other] = setup.watermarks;
      const position = async (): Promise<number | undefined> => (await other.read()).get('planner-react');
      await watermarks.advance('planner-react', 60);
      await watermarks.advance('planner-inbound', 60);
      await other.lower('planner-react', 49);
      expect(await position()).toBe(49);
      await watermarks.lower('planner-react', 55);
      expect(await position()).toBe(49);
      await watermarks.advance('planner-react', 52);
      expect(await position()).toBe(52);
      expect((await other.read()).get('planner-inbound')).toBe(60);
    });
  });
}
