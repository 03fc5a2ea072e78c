/** The content that a decision is about: found in the log, held against every digest that names it, and only then read. */
import type { DataOf, EventRecord } from '@baton/contracts';
import { contentDigest, readContent, UnreadableContent, type ShownContent } from '@baton/handling';
import type { ArtifactStore } from '@baton/ports';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { oneLine, shortHash, shortId } from '../format.ts';

export interface BoundContent {
  readonly mission_id: string;
  readonly revision: number;
  /** What an approval names. */
  readonly content_digest: string;
  readonly change: DataOf<'IntegrationTested'>['change'];
}

type Binding = Extract<EventRecord, { readonly type: 'ReleaseProposed' | 'GateOpened' | 'GatePassed' | 'ReleaseQueued' }>;
const binds = (event: EventRecord): event is Binding =>
  event.type === 'ReleaseProposed' ||
  event.type === 'GateOpened' ||
  event.type === 'GatePassed' ||
  event.type === 'ReleaseQueued';

/** The artifact that an event names beside the digest of its content. */
function artifactOf(event: Binding): string | null {
  if (event.type === 'GateOpened') return event.data.card.diff_artifact;
  return event.type === 'ReleaseProposed' ? event.data.change.artifact : null;
}

const damaged = (problem: string, cause?: unknown): CliProblem =>
  new CliProblem(EXIT.damaged, problem, 'approve nothing of it; run `baton verify`, and restore the database from a backup', {
    cause,
  });

/** Of this revision, or of the newest that there is; the digest is computed again from what was tested. */
export function boundContent(mission_id: string, events: readonly EventRecord[], asked?: number): BoundContent {
  const revision = asked ?? events.findLast(binds)?.data.revision;
  const bindings = events.filter(binds).filter(({ data }) => data.revision === revision);
  const started = events.findLast((event) => event.type === 'IntegrationStarted' && event.data.revision === revision);
  const tested = events.findLast((event) => event.type === 'IntegrationTested' && event.data.revision === revision);
  if (revision === undefined || bindings.length === 0)
    throw new CliProblem(
      EXIT.not_found,
      `mission ${shortId(mission_id)} has no change${asked === undefined ? '' : ` of revision ${String(asked)}`} that was tested and proposed`,
      `see \`baton timeline ${shortId(mission_id)}\``,
    );
  if (started?.type !== 'IntegrationStarted' || tested?.type !== 'IntegrationTested')
    throw damaged(`revision ${String(revision)} was proposed, and the log does not say what was tested`);
  const { change, receipts } = tested.data;
  const content_digest = contentDigest(change, receipts, started.data.delivery);
  for (const event of bindings) {
    const artifact = artifactOf(event) ?? change.artifact;
    if (event.data.content_digest !== content_digest || artifact !== change.artifact)
      throw damaged(
        `${event.type} at position ${String(event.position)} names content ${shortHash(event.data.content_digest)} with change ${shortHash(artifact)}; what was tested is content ${shortHash(content_digest)} with change ${shortHash(change.artifact)}`,
      );
  }
  return { mission_id, revision, content_digest, change };
}

/** The artifact store holds the bytes against their digest; here they are held against what the policy was told of them. */
export async function readBound(artifacts: Pick<ArtifactStore, 'get'>, { change }: BoundContent): Promise<ShownContent> {
  const content = await readArtifact(artifacts, change.artifact);
  const told = new Set(change.files);
  const found = new Set(content.files.map(({ path }) => path));
  const different = [...told, ...found].filter((path) => !told.has(path) || !found.has(path));
  if (different.length > 0)
    throw damaged(
      `change ${shortHash(change.artifact)} and what is recorded of it name different files: ${oneLine(different.join(', '))}`,
    );
  return content;
}

/** By their names: the store is behind a port. */
const NOT_WHAT_WAS_KEPT = ['ArtifactMissing', 'ArtifactTampered'];

async function readArtifact(artifacts: Pick<ArtifactStore, 'get'>, artifact: string): Promise<ShownContent> {
  try {
    return readContent(await artifacts.get(artifact));
  } catch (error) {
    if (error instanceof UnreadableContent)
      throw damaged(`change ${shortHash(artifact)} cannot be read: ${error.message}`, error);
    if (error instanceof Error && NOT_WHAT_WAS_KEPT.includes(error.name)) throw damaged(error.message, error);
    throw error;
  }
}
