/**
 * One HTTP server per process, up before anything else and down after everything else. It answers the probes and the scrape
 * itself, without Nest, and hands every other request to the edge once that is there.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HEADERS_MS_MAX, HEADER_BYTES_MAX, OVERTIME_CHECK_MS, REQUEST_MS_MAX } from './limits.ts';
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

  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: OVERTIME_CHECK_MS,
  };
  const server = createServer(limits, (request, response) => {
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
  // Their bytes are limited; beyond a number they would be dropped unseen.
  server.maxHeadersCount = 0;
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

const CLIENT_ERRORS: Readonly<Record<string, { readonly status: number; readonly type: string; readonly detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    type: 'headers-too-large',
    detail: `The headers of a request may have at most ${String(HEADER_BYTES_MAX)} bytes; send fewer or shorter ones.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    type: 'request-too-slow',
    detail: `A request has to be here within ${String(REQUEST_MS_MAX)} ms, its headers within ${String(HEADERS_MS_MAX)} ms; send it again.`,
  },
};
const NOT_HTTP = { status: 400, type: 'bad-request', detail: 'This is not a request that HTTP/1.1 knows; see RFC 9112.' };

/** What never became a request is answered as a problem as well; there is no response object for it yet. */
export function refuseClient(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const { status, ...told } = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP;
  const { body } = problem({ status, ...told });
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${String(status)} ${body.title}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${String(Buffer.byteLength(text))}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
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
