/**
 * One HTTP server per process, up before anything else and down after everything else. It answers the probes and the scrape
 * itself, without Nest, and hands every other request to the edge once that is there.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problem, PROBLEM_CONTENT_TYPE } from './problem.ts';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Answer {
  readonly status: number;
  readonly content_type: string;
  readonly body: string;
}

export interface HttpListener {
  readonly server: Server;
  readonly url: string;
  /** From now on requests go here. */
  handOver(handler: RequestHandler): void;
  /** Refuses new requests (not probes) and resolves when those under way are answered. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Path → what is answered to GET, whatever state the service is in. */
  readonly operations: Readonly<Record<string, () => Answer | Promise<Answer>>>;
}

const RETRY_AFTER_S = '1';

export async function startListener({ host, port, operations }: ListenerOptions): Promise<HttpListener> {
  let edge: RequestHandler | null = null;
  let draining = false;
  let underWay = 0;
  let drained: (() => void) | null = null;

  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/';
    const operation = Object.hasOwn(operations, path) ? operations[path] : undefined;
    if (operation && (request.method === 'GET' || request.method === 'HEAD')) return void answer(response, operation);
    if (draining || !edge) return refuse(response, draining ? 'stopping' : 'starting');
    underWay++;
    response.once('close', () => {
      underWay--;
      if (underWay === 0) drained?.();
    });
    edge(request, response);
  });
  await listening(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    server,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    handOver: (handler) => {
      edge = handler;
    },
    drain: async () => {
      draining = true;
      if (underWay > 0) await new Promise<void>((resolve) => (drained = resolve));
    },
    close: async () => {
      if (!server.listening) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'another process has it' : String(code ?? cause);
    throw new Error(
      `cannot listen on ${host}:${port}: ${why}; give another BATON_HTTP_PORT (0 = any free one) or BATON_HTTP_HOST`,
      { cause },
    );
  }
  server.removeListener('error', reject);
}

async function answer(response: ServerResponse, operation: () => Answer | Promise<Answer>): Promise<void> {
  try {
    const { status, content_type, body } = await operation();
    response.writeHead(status, { 'content-type': content_type, 'cache-control': 'no-store' }).end(body);
  } catch (error) {
    response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${String(error)}\n`);
  }
}

function refuse(response: ServerResponse, state: 'starting' | 'stopping'): void {
  const { body } = problem({
    status: 503,
    type: state,
    detail: `The service is ${state}; try again, another instance may answer.`,
  });
  response
    .writeHead(503, { 'content-type': PROBLEM_CONTENT_TYPE, 'retry-after': RETRY_AFTER_S, connection: 'close' })
    .end(JSON.stringify(body));
}
