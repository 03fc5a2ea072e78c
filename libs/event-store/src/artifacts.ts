/** Artifacts in Postgres: named by what they contain, and checked against their name whenever they are taken out. */
import { createHash } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';
import type { Ask } from './connections.ts';
import type { GroupCommit } from './group-commit.ts';

const PUT = `SELECT baton.put_artifact($1::bytea) AS digest`;
const GET = `SELECT digest, bytes FROM baton.artifacts WHERE digest = ANY ($1::text[])`;

/** One row is read whole into memory, as text twice its size; results of a task are far smaller. */
const ARTIFACT_BYTES_MAX = 67_108_864;

class ArtifactMissing extends Error {
  override readonly name = 'ArtifactMissing';
  constructor(digest: string) {
    super(`there is no artifact ${digest}: it was never put, or into another database`);
  }
}

class ArtifactTampered extends Error {
  override readonly name = 'ArtifactTampered';
}

/** Up to here an artifact waits for the append of the event that names it, and is kept by the same commit. */
const STAGED_ARTIFACT_BYTES_MAX = 65_536;

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export function postgresArtifacts(ask: Ask, staging: Pick<GroupCommit, 'stage' | 'staged'>): ArtifactStore {
  const fetch = gathered((digests: readonly string[]) => fetchAll(ask, digests));
  return {
    put: async (given) => {
      const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
      if (bytes.length > ARTIFACT_BYTES_MAX)
        throw new Error(
          `an artifact of ${String(bytes.length)} bytes is larger than ARTIFACT_BYTES_MAX (${String(ARTIFACT_BYTES_MAX)}): split it`,
        );
      if (bytes.length <= STAGED_ARTIFACT_BYTES_MAX) {
        const digest = digestOf(bytes);
        // A copy: it goes to the database later, and whoever gave it may have written into it by then.
        if (staging.stage(digest, Buffer.from(given))) return digest;
      }
      const [row] = await ask<{ digest: string }>({ name: 'put-artifact', text: PUT, values: [bytes] });
      if (row === undefined) throw new Error('baton.put_artifact returned no row');
      return row.digest;
    },
    get: async (digest) => {
      const bytes = staging.staged(digest) ?? (await fetch(digest));
      if (bytes === undefined) throw new ArtifactMissing(digest);
      const actual = digestOf(bytes);
      if (actual !== digest)
        throw new ArtifactTampered(`artifact ${digest} was tampered with: its bytes are ${actual}; restore it from a backup`);
      return bytes;
    },
  };
}

async function fetchAll(ask: Ask, digests: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
  const rows = await ask<{ digest: string; bytes: Buffer }>({ name: 'get-artifacts', text: GET, values: [digests] });
  const found = new Map(rows.map(({ digest, bytes }) => [digest, bytes]));
  return digests.map((digest) => found.get(digest));
}

/** What is asked for in one turn of the event loop goes in one call. */
function gathered<In, Out>(call: (asked: readonly In[]) => Promise<readonly Out[]>): (asked: In) => Promise<Out | undefined> {
  let gathering: { readonly asked: In[]; readonly answers: Promise<readonly Out[]> } | null = null;
  return async (one) => {
    if (gathering === null) {
      const asked: In[] = [];
      const turn = new Promise((resolve) => setImmediate(resolve));
      gathering = {
        asked,
        answers: turn.then(() => {
          gathering = null;
          return call(asked);
        }),
      };
    }
    const nth = gathering.asked.push(one) - 1;
    return (await gathering.answers)[nth];
  };
}
