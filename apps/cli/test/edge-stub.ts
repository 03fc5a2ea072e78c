/** An HTTP edge that answers what a spec tells it to, and keeps what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Taken {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

/** Status and body; `cut`: the connection ends without an answer. */
export type Reply = readonly [status: number, body: unknown] | readonly [status: 'cut'];

export interface EdgeStub {
  readonly url: string;
  /** In turn, from the next request on; the last of them for good. */
  answers(...series: readonly Reply[]): void;
  /** What came since this was asked last. */
  taken(): readonly Taken[];
  close(): Promise<void>;
}

export async function edgeStub(): Promise<EdgeStub> {
  let told: readonly Reply[] = [];
  const came: Taken[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const key = request.headers['idempotency-key'];
      came.push({ path: request.url ?? '', key: key === undefined ? undefined : String(key), body: JSON.parse(body) });
      const [status, reply] = told[0] ?? [500, {}];
      if (told.length > 1) told = told.slice(1);
      if (status === 'cut') request.socket.destroy();
      else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    })();
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    answers: (...series) => {
      told = series;
    },
    taken: () => came.splice(0),
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => {
          closed();
        });
      }),
  };
}
