/** The content of a card, for people who answer it and have no way to the database. */
import { parseStored, type DataOf } from '@baton/contracts';
import { STREAM_OF } from '@baton/domain';
import { readContent, type ShownContent } from '@baton/handling';
import type { ArtifactStore, EventLog } from '@baton/ports';

/** What one answer carries; a larger change is listed without its content, and `baton diff` shows it. */
export const CONTENT_BYTES_MAX = 8_388_608;

export interface Kept {
  readonly log: Pick<EventLog, 'load'>;
  readonly artifacts: Pick<ArtifactStore, 'get'>;
}

/** As the gate was opened for it; null where no card was. */
export async function openedGate(
  { log }: Kept,
  at: { readonly mission_id: string; readonly revision: number },
): Promise<DataOf<'GateOpened'> | null> {
  const events = (await log.load(STREAM_OF.gate(at.mission_id, at.revision))).map(parseStored);
  const opened = events.find((event) => event.type === 'GateOpened');
  return opened?.type === 'GateOpened' ? opened.data : null;
}

/** Throws where the artifact is missing, damaged, or nothing that can be shown. */
export const contentOf = async ({ artifacts }: Kept, gate: DataOf<'GateOpened'>): Promise<ShownContent> =>
  readContent(await artifacts.get(gate.card.diff_artifact));
