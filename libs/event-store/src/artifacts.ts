/** Artifacts in Postgres: named by what they contain, and checked against their name whenever they are taken out. */
import { createHash } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';
import type { Ask } from './connections.ts';

const PUT = `SELECT baton.put_artifact($1::bytea) AS digest`;
const GET = `SELECT bytes FROM baton.artifacts WHERE digest = $1::text`;

/** One row is read whole into memory, as text twice its size; results of a task are far smaller. */
export const ARTIFACT_BYTES_MAX = 67_108_864;

export class ArtifactMissing extends Error {
  override readonly name = 'ArtifactMissing';
  constructor(digest: string) {
    super(`there is no artifact ${digest}: it was never put, or into another database`);
  }
}

export const postgresArtifacts = (ask: Ask): ArtifactStore => ({
  put: async (bytes) => {
    if (bytes.length > ARTIFACT_BYTES_MAX)
      throw new Error(
        `an artifact of ${String(bytes.length)} bytes is larger than ARTIFACT_BYTES_MAX (${String(ARTIFACT_BYTES_MAX)}): split it`,
      );
    const [row] = await ask<{ digest: string }>({
      name: 'put-artifact',
      text: PUT,
      values: [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
    });
    if (row === undefined) throw new Error('baton.put_artifact returned no row');
    return row.digest;
  },
  get: async (digest) => {
    const [row] = await ask<{ bytes: Buffer }>({ name: 'get-artifact', text: GET, values: [digest] });
    if (row === undefined) throw new ArtifactMissing(digest);
    const actual = `sha256:${createHash('sha256').update(row.bytes).digest('hex')}`;
    if (actual !== digest)
      throw new Error(`artifact ${digest} was tampered with: its bytes are ${actual}; restore it from a backup`);
    return row.bytes;
  },
});
