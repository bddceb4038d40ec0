import { McpServer } from '@modelcontextprotocol/server';
import { Registry, register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  createMonitoring,
  type InstrumentOptions,
  type MonitoringOptions,
} from '../../src/monitoring/index.ts';

const create = (options: unknown): unknown => createMonitoring(options as MonitoringOptions);
const log = () => undefined;
const levels = { debug: log, info: log, warn: log, error: log };

describe('createMonitoring', () => {
  it.each([
    [
      { regsitry: new Registry() },
      'createMonitoring has no option regsitry; did you mean registry? It takes ',
    ],
    [{ prefix: 'shop_' }, 'createMonitoring has no option prefix; it takes metrics, registry, '],
    [{ log: { success: 1 } }, 'log has no option success; did you mean successes? It takes successes, '],
    [{ build: { commit: 'a' } }, 'build has no option commit; it takes version, revision'],
  ])('says which options there are, when given %o', (options, says) => {
    expect(() => create(options)).toThrow(TypeError);
    expect(() => create(options)).toThrow(says);
  });

  it('says so of those of instrument, too', () => {
    const options = { tool: ['add'] } as InstrumentOptions;
    expect(() => createMonitoring().instrument(new McpServer({ name: 'a', version: '1' }), options)).toThrow(
      'instrument has no option tool; did you mean tools? It takes tools, transport',
    );
  });

  it.each([
    ['an object', {}, 'an object'],
    ['the text of one', new Registry().metrics(), 'a Promise'],
    ['a function', () => new Registry(), 'a function'],
    ['a class', Registry, 'the class Registry'],
    ['null', null, 'null'],
    ['another kind of registry', new Map(), 'a Map'],
  ])('says what a registry is, when given %s', (_what, registry, got) => {
    expect(() => create({ registry })).toThrow(
      new TypeError(
        `registry takes a Registry of prom-client, as new Registry() or its register, not ${got}`,
      ),
    );
  });

  it.each([
    [{}, 'without debug, info, warn, error, isLevelEnabled'],
    [levels, 'without isLevelEnabled'],
    [{ ...levels, isLevelEnabled: true }, 'without isLevelEnabled'],
    [log, 'a function without debug'],
    [null, 'null'],
  ])('says what a logger is, when given %j', (logger, problem) => {
    expect(() => create({ logger })).toThrow(TypeError);
    expect(() => create({ logger })).toThrow(problem);
    expect(() => create({ logger })).toThrow('logger takes a pino logger, or an object with the methods');
  });

  it.each([
    [['mcp.session.id'], '"mcp.session.id"'],
    ['network.transport', '"network.transport"'],
    [null, 'null'],
  ])('says what operations can be broken down by, when given %j', (operationAttributes, got) => {
    expect(() => create({ operationAttributes })).toThrow(
      new TypeError(
        `operationAttributes takes a list of rpc.response.status_code, mcp.protocol.version, network.transport, not ${got}`,
      ),
    );
  });

  it.each([
    [[10], '[10]'],
    [[30, 30], '[30, 30]'],
    [[60, 30], '[60, 30]'],
    [[30, Infinity], '[30, Infinity]'],
    [['30'], '[30]'],
    [Array.from({ length: 17 }, (_, index) => 11 + index), '[11, '],
    [30, 'a number'],
    [null, 'null'],
  ])('says what bounds of durations are, when given %j', (durationBuckets, got) => {
    expect(() => create({ durationBuckets })).toThrow(TypeError);
    expect(() => create({ durationBuckets })).toThrow(
      `durationBuckets takes a list of at most 16 numbers above 10 in ascending order, not ${got}`,
    );
  });

  it('takes the registry that prom-client has by itself', () => {
    expect(() => create({ registry: register })).not.toThrow();
    register.clear();
  });
});
