/** An HTTP edge that answers what a spec tells it to, and keeps what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Taken {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

export interface EdgeStub {
  readonly url: string;
  /** The next request gets this; what was told last goes on being answered. `cut`: the connection ends without an answer. */
  answers(status: number | 'cut', body?: unknown): void;
  /** What came since this was asked last. */
  taken(): readonly Taken[];
  close(): Promise<void>;
}

export async function edgeStub(): Promise<EdgeStub> {
  const told: { readonly status: number | 'cut'; readonly body: unknown }[] = [];
  const came: Taken[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const key = request.headers['idempotency-key'];
      came.push({ path: request.url ?? '', key: key === undefined ? undefined : String(key), body: JSON.parse(body) });
      const answer = (told.length > 1 ? told.shift() : told[0]) ?? { status: 500, body: {} };
      if (answer.status === 'cut') return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    })();
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    answers: (status, body = {}) => void told.push({ status, body }),
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
