/** Who holds something of this service, and what to do with what the dead among them hold. */
import type { Ask } from './connections.ts';

export interface Predecessors {
  /** The processes that hold deadlines or leases of this role's service. */
  holders(): Promise<readonly string[]>;
  /** All that these hold is due at once, or free. Only for processes that are known to be dead. Resolves to how many things it was. */
  letGo(holders: readonly string[]): Promise<number>;
}

const HOLDERS = `SELECT holder FROM baton.holders() AS holder`;
const LET_GO = `SELECT baton.let_go($1::text[]) AS let_go`;

export const postgresPredecessors = (ask: Ask): Predecessors => ({
  holders: async () => (await ask<{ holder: string }>({ name: 'holders', text: HOLDERS })).map(({ holder }) => holder),
  letGo: async (holders) => {
    const [row] = await ask<{ let_go: number }>({ name: 'let-go', text: LET_GO, values: [[...holders]] });
    return row?.let_go ?? 0;
  },
});
