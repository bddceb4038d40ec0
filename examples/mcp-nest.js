/**
 * A server of MCP-Nest, whose strategy is monitored. What a handler throws becomes a failure like those that tools report
 * themselves; where the handler is measured, the two are told apart. In TypeScript a decorator below `@Tool` measures a method:
 *
 *     const measured = (name: string) => (_target: object, _key: string, method: PropertyDescriptor) => {
 *       method.value = monitoring.tool(name, method.value);
 *     };
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { McpStrategy, StreamableHttpTransport } from '@rekog/mcp-nest';
import { createMonitoring } from 'nexus-mcp/monitoring';
import { z } from 'zod';

const monitoring = createMonitoring();

const strategy = new McpStrategy({
  name: 'greeter',
  version: '1.0.0',
  transports: [new StreamableHttpTransport()],
});
monitoring.instrument(strategy);
strategy.registerTool({
  name: 'greet',
  description: 'Greets someone by name.',
  parameters: z.object({ name: z.string() }),
  handler: monitoring.tool('greet', ({ name }) => `Hello ${name}`),
});

class Application {
  /** @param {import('@nestjs/common').MiddlewareConsumer} consumer */
  configure(consumer) {
    consumer.apply(monitoring.expressHandler()).forRoutes('metrics');
  }
}
Module({})(Application);

const app = await NestFactory.create(Application, { logger: ['warn', 'error'] });
strategy.setHttpAdapter(app.getHttpAdapter());
app.connectMicroservice({ strategy });
await app.startAllMicroservices();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
