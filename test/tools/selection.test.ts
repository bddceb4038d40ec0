import { describe, expect, it } from 'vitest';
import { selectTools } from '../../src/tools/selection.ts';
import type { ToolDefinition, Toolset } from '../../src/tools/tool.ts';

const tool = (name: string): ToolDefinition => ({
  name,
  title: name,
  description: name,
  input: { type: 'object', additionalProperties: false },
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  handler: () => name,
});

const toolset = (name: string, ...tools: string[]): Toolset => ({
  name,
  source: 'builtin',
  moduleUrl: `file:///${name}.ts`,
  tools: tools.map(tool),
});

const TOOLSETS = [toolset('calculator', 'add', 'divide'), toolset('text', 'upper'), toolset('time', 'now')];
const all = { enabled: ['*'], disabled: [] };

function selected(options: Partial<Parameters<typeof selectTools>[1]>): string[] {
  const result = selectTools(TOOLSETS, { ...all, ...options });
  expect(result.problems).toEqual([]);
  return result.toolsets.flatMap(({ tools }) => tools.map(({ name }) => name));
}

describe('the tools an operator selects', () => {
  it.each([
    ['all by default', {}, ['add', 'divide', 'upper', 'now']],
    ['a toolset', { enabled: ['calculator'] }, ['add', 'divide']],
    ['a tool', { enabled: ['divide'] }, ['divide']],
    ['a tool and a toolset, in the order of the toolsets', { enabled: ['time', 'add'] }, ['add', 'now']],
    ['all but a toolset', { disabled: ['calculator'] }, ['upper', 'now']],
    ['all but a tool', { disabled: ['add'] }, ['divide', 'upper', 'now']],
    ['a toolset but one of its tools', { enabled: ['calculator'], disabled: ['add'] }, ['divide']],
    ['nothing, because disabled wins', { enabled: ['add'], disabled: ['calculator'] }, []],
    ['nothing', { disabled: ['*'] }, []],
    ['nothing, of an empty list', { enabled: [] }, []],
    [
      'each once, however often it is named',
      { enabled: ['add', 'calculator', '*'] },
      ['add', 'divide', 'upper', 'now'],
    ],
  ])('are %s', (_name, options, names) => {
    expect(selected(options)).toEqual(names);
  });

  it('keep what their toolset says of itself', () => {
    const result = selectTools(TOOLSETS, { enabled: ['now'], disabled: [] });
    expect(result).toMatchObject({
      toolsets: [
        { tools: [] },
        { tools: [] },
        { name: 'time', moduleUrl: 'file:///time.ts', source: 'builtin' },
      ],
    });
  });

  it('must exist: every name that names nothing is said, with its setting', () => {
    const result = selectTools(TOOLSETS, {
      enabled: ['calculator', 'ad', 'Calculator'],
      disabled: ['nope', 'add', 'tim*'],
      named: { 'tools.settings': ['add', 'dvide', 'calculator'], 'log.results': ['dvide'] },
    });
    expect(result).toMatchObject({
      problems: [
        'tools.enabled: there is no tool or toolset ad; did you mean add?',
        'tools.enabled: there is no tool or toolset Calculator; did you mean calculator?',
        'tools.disabled: there is no tool or toolset nope',
        'tools.disabled: there is no tool or toolset tim*; did you mean time?',
        'tools.settings: there is no tool dvide; did you mean divide?',
        'tools.settings: there is no tool calculator',
        'log.results: there is no tool dvide; did you mean divide?',
      ],
    });
  });

  it('may have settings while they are disabled', () => {
    expect(selected({ disabled: ['add'], named: { 'tools.settings': ['add'] } })).not.toContain('add');
  });

  it('may not give rights by a name that stands for several tools or toolsets', () => {
    const toolsets = [
      ...TOOLSETS,
      toolset('admin', 'admin', 'drop'),
      toolset('weather', 'weather'),
      toolset('text', 'mine'),
    ];
    const granted = { 'tools of ci': ['admin', 'weather', 'add', 'text', '*', 'ad'] };
    expect(selectTools(toolsets, { ...all, granted })).toMatchObject({
      problems: [
        'tools of ci: there is no tool or toolset ad; did you mean add, admin?',
        'tools of ci: admin names more than one tool or toolset; rename one of them',
        'tools of ci: text names more than one tool or toolset; rename one of them',
      ],
    });
    const withoutBoth = { 'tools of ci': ['weather', 'add', 'time', '*', 'drop'] };
    expect(selectTools(toolsets, { ...all, granted: withoutBoth })).toMatchObject({ problems: [] });
  });
});
