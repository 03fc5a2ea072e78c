/**
 * JetStream as a transport of Nest: handlers are registered for subjects as with any other, but their result is awaited and
 * settles the message. Nest's own `handleEvent` looks at no result, which would acknowledge what failed.
 */
import type { Delivery, Settlement } from '@baton/ports';
import { BaseRpcContext, Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/nats-core';
import { isObservable, lastValueFrom } from 'rxjs';
import { consume, type Consuming, type ConsumingOptions } from './consuming.ts';

export interface JetStreamStrategyOptions extends Omit<ConsumingOptions, 'handle'> {
  /** Handles what no handler is registered for. */
  readonly deliver: (delivery: Delivery) => Promise<Settlement>;
}

const JET_STREAM = Symbol('JetStream');

/** What a handler gets as its second argument. */
class JetStreamContext extends BaseRpcContext<[Delivery]> {
  get delivery(): Delivery {
    return this.args[0];
  }
}

export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = JET_STREAM;
  override readonly propagatesEventHandlerErrors = true;
  private readonly options: JetStreamStrategyOptions;
  private consuming: Consuming | null = null;

  constructor(options: JetStreamStrategyOptions) {
    super();
    this.options = options;
  }

  listen(callback: (error?: unknown) => void): void {
    try {
      this.consuming ??= consume({ ...this.options, handle: (delivery) => this.handle(delivery) });
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    await this.consuming?.close();
  }

  /** Messages that are held now. */
  held(): number {
    return this.consuming?.held() ?? 0;
  }

  on(): never {
    throw new Error('the JetStream transport has no events of its own: follow connection.status()');
  }

  unwrap<T = NatsConnection>(): T {
    return this.options.bus.connection as T;
  }

  private handle(delivery: Delivery): Promise<Settlement> {
    const handler = this.messageHandlers.get(delivery.subject);
    if (!handler) return this.options.deliver(delivery);
    const context = new JetStreamContext([delivery]);
    return new Promise((resolve, reject) => {
      this.runWithProcessingHooks(context, async (end) => {
        await resultOf(handler, delivery, context).then(resolve, reject);
        end();
      });
    });
  }
}

async function resultOf(handler: MessageHandler, delivery: Delivery, context: JetStreamContext): Promise<Settlement> {
  const result: unknown = await handler(delivery, context);
  return settlementOf(isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result);
}

/** A handler that says nothing else has handled the message. */
function settlementOf(result: unknown): Settlement {
  if (typeof result !== 'object' || result === null || !('ack' in result) || result.ack !== false) return { ack: true };
  return { ack: false, nak_delay_ms: 'nak_delay_ms' in result ? Number(result.nak_delay_ms) : 0 };
}

export const jetStreamStrategy = (options: JetStreamStrategyOptions): JetStreamStrategy => new JetStreamStrategy(options);
