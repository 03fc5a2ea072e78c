/** The Nest application of a service: its module, the platform to inject, the edge behind the listener, the bus as transport. */
import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { answerInTime } from './answer-in-time.ts';
import { refuseClient, type HttpListener, type RequestHandler } from './http-listener.ts';
import { readJsonBody } from './json-body.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { nestLogger } from './nest-logger.ts';
import { PLATFORM, type Platform } from './platform.ts';
import { answerUnrouted, problemFilter } from './problem.ts';

export type ServiceModule = Type | DynamicModule;

// Decorators are applied by hand, so that Node can run these files as they are.
class PlatformModule {}
Module({})(PlatformModule);
class ServiceRoot {}
Module({})(ServiceRoot);

export async function createNestApp(
  module: ServiceModule,
  platform: Platform,
  listener: HttpListener,
): Promise<NestFastifyApplication> {
  let edge: RequestHandler | null = null;
  const adapter = new FastifyAdapter({
    // The server listens already; Fastify only has to say who answers.
    serverFactory: (handler: RequestHandler) => {
      edge = handler;
      return listener.server;
    },
    bodyLimit: BODY_BYTES_MAX,
    clientErrorHandler: refuseClient,
    frameworkErrors: answerUnrouted,
    skipMiddie: true,
  });
  const root: DynamicModule = {
    module: ServiceRoot,
    imports: [
      { module: PlatformModule, global: true, providers: [{ provide: PLATFORM, useValue: platform }], exports: [PLATFORM] },
      module,
    ],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: nestLogger(platform.logger),
    abortOnError: false,
    bodyParser: false,
  });
  // One kind of body, read by one parser: nothing else is taken.
  adapter.getInstance().removeAllContentTypeParsers();
  app.useBodyParser('application/json', { bodyLimit: BODY_BYTES_MAX }, (_request: unknown, body: Buffer) =>
    Promise.resolve(readJsonBody(body)),
  );
  app.useGlobalInterceptors(answerInTime());
  app.useGlobalFilters(problemFilter(platform.logger));
  await app.init();
  await adapter.getInstance().ready();
  if (edge) listener.handOver(edge);
  return app;
}
