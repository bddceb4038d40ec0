import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadTokens } from '../../src/config/tokens.ts';

const directory = mkdtempSync(join(tmpdir(), 'tokens-'));
const SECRET = 'very-secret-token-0123456789';
let files = 0;

function tokensFile(content: string | Buffer): string {
  const path = join(directory, `tokens-${(files += 1)}.yaml`);
  writeFileSync(path, content);
  return path;
}

const warned = vi.spyOn(process, 'emitWarning');
afterEach(() => {
  expect(JSON.stringify(warned.mock.calls)).not.toContain('secret');
});

describe('a tokens file', () => {
  it('lists names with their tokens, and tools where not all are meant', () => {
    const path = tokensFile(
      `- {name: a, token: ${SECRET}}\n- {name: b, token: ${SECRET}=, tools: [add, time]}\n`,
    );
    expect(loadTokens({ tokensFile: path }, '.')).toMatchObject({
      ok: true,
      tokens: [
        { name: 'a', token: SECRET },
        { name: 'b', token: `${SECRET}=`, tools: ['add', 'time'] },
      ],
    });
  });

  it('may be JSON, which is YAML', () => {
    expect(
      loadTokens({ tokensFile: tokensFile(JSON.stringify([{ name: 'a', token: SECRET }])) }, '.'),
    ).toMatchObject({
      ok: true,
    });
  });

  const BROKEN: readonly (readonly [string, string | Buffer])[] = [
    [
      'an unclosed list of tools, which would otherwise allow all',
      `- {name: a, token: ${SECRET}, tools: [add}\n`,
    ],
    ['an entry that ends early', `- name: a\n  token: ${SECRET}\n  tools: [add\n`],
    ['a quote that is not closed', `- {name: a, token: "${SECRET}}\n`],
    ['a bad indentation', `- name: a\n   token: ${SECRET}\n`],
    ['a key given twice', `- {name: a, token: ${SECRET}, token: ${SECRET}x}\n`],
    ['an alias of nothing', `- {name: a, token: *${SECRET}}\n`],
    ['an unknown tag', `- {name: a, token: !${SECRET} {}}\n`],
    ['a tab', `-\tname: a\n\ttoken: ${SECRET}\n`],
    ['nothing', ''],
    ['an empty list', '[]\n'],
    ['a mapping', `a: ${SECRET}\n`],
    ['a bare token', `${SECRET}\n`],
    ['a list of tokens', `- ${SECRET}\n`],
    ['a token as a key', `- {name: a, ${SECRET}: x}\n`],
    ['a token as a name alone', `- {${SECRET}: alice}\n`],
    ['a short token', '- {name: a, token: secret}\n'],
    ['a token that no header can carry', `- {name: a, token: "${SECRET} x"}\n`],
    ['a token with a line break', `- {name: a, token: "${SECRET}\\n"}\n`],
    ['a token that is a number', '- {name: a, token: 12345678901234567890}\n'],
    ['a token and a name that are swapped', `- {name: ${SECRET}, token: alice}\n`],
    ['a name that is too long for one', `- {name: secret${'x '.repeat(64)}, token: ${SECRET}}\n`],
    ['no name', `- {token: ${SECRET}}\n`],
    ['an empty name', `- {name: "", token: ${SECRET}}\n`],
    ['a misspelt field', `- {name: a, token: ${SECRET}, tool: [add]}\n`],
    ['tools that are no list', `- {name: a, token: ${SECRET}, tools: add}\n`],
    ['tools that are no names', `- {name: a, token: ${SECRET}, tools: [{${SECRET}: 1}]}\n`],
    ['one name twice', `- {name: a, token: ${SECRET}}\n- {name: a, token: ${SECRET}x}\n`],
    ['one token twice', `- {name: a, token: ${SECRET}}\n- {name: b, token: ${SECRET}}\n`],
    ['two documents', `- {name: a, token: ${SECRET}}\n---\n- {name: b, token: ${SECRET}x}\n`],
    ['bytes that are no text', Buffer.from([0, 255, 254, 0x3a, 0x20, 0x5b])],
  ];

  it.each(BROKEN)('with %s is refused, and nothing of its content is said', (_name, content) => {
    const path = tokensFile(content);
    const result = loadTokens({ tokensFile: path }, '.');
    if (result.ok) throw new Error(`accepted as ${JSON.stringify(result.tokens)}`);
    expect(result.problems.length).toBeGreaterThan(0);
    for (const problem of result.problems) {
      expect(problem.startsWith(`${path}: `), problem).toBe(true);
      expect(problem).not.toMatch(/secret|alice|1234567890/);
    }
  });

  it('with several wrong entries is told all of them, by name, and by place from 1 where there is none', () => {
    const path = tokensFile(
      `- {name: ci}\n- {name: b b, token: short}\n- {name: c, token: ${SECRET}}\n- {token: ${SECRET}x, tools: [add, 1]}\n`,
    );
    const problems = ['entry ci: token: ', 'entry b b: token: ', 'entry 4: name: ', 'entry 4: tools.1: '];
    expect(loadTokens({ tokensFile: path }, '.')).toEqual({
      ok: false,
      problems: problems.map((problem) => expect.stringContaining(`${path}: ${problem}`) as string),
    });
  });

  it.each([
    [`{name: ci, token: ${SECRET}, tool: [add]}`, 'has the unknown field tool; did you mean tools?'],
    [`{name: ci, token: ${SECRET}, Token: x}`, 'has the unknown field Token; did you mean token?'],
    [
      `{name: ci, token: ${SECRET}, scopes: [add]}`,
      'has the unknown field scopes; the fields are name, token, tools',
    ],
    [
      `{name: ci, token: ${SECRET}, ${SECRET}x: 1}`,
      'has an unknown field; the fields are name, token, tools',
    ],
    ['{name: ci, token: short}', 'token: has fewer than 16 characters'],
    ['{name: ci}', 'token: is missing'],
    ['{name: ci, token: 1234567890123456}', 'token: must be a text; put quotes around a number'],
    [`{name: ci, token: ${SECRET}, tools: add}`, 'tools: must be a list, as [add, time]'],
    [`{name: ci, token: ${SECRET}, tools: [1]}`, 'tools.0: must be a text; put quotes around a number'],
  ])('with the entry %s is told what is wrong with it', (text, problem) => {
    const path = tokensFile(`- ${text}\n`);
    expect(loadTokens({ tokensFile: path }, '.')).toEqual({
      ok: false,
      problems: [`${path}: entry ci: ${problem}`],
    });
  });

  it('with a name that is empty or too long is told so', () => {
    const path = tokensFile(
      `- {name: "", token: ${SECRET}}\n- {name: ${'x '.repeat(33)}y, token: ${SECRET}x}\n`,
    );
    expect(loadTokens({ tokensFile: path }, '.')).toEqual({
      ok: false,
      problems: [`${path}: entry 1: name: is empty`, `${path}: entry 2: name: has more than 64 characters`],
    });
  });

  it('that is no list is told what one looks like, and where a single token belongs', () => {
    for (const content of [`${SECRET}\n`, `token: ${SECRET}\n`, '', '[]\n']) {
      const path = tokensFile(content);
      expect(loadTokens({ tokensFile: path }, '.')).toEqual({
        ok: false,
        problems: [
          `${path}: must be a list of entries such as - {name: ci, token: …}; a single token belongs in auth.token (in the chart auth.tokenSecret)`,
        ],
      });
    }
    const path = tokensFile(`- ${SECRET}\n`);
    expect(loadTokens({ tokensFile: path }, '.')).toEqual({
      ok: false,
      problems: [`${path}: entry 1: must be such as {name: ci, token: …}`],
    });
  });

  it('that is not there is refused', () => {
    for (const [path, why] of [
      [join(directory, 'nowhere.yaml'), 'ENOENT'],
      [directory, 'EISDIR'],
    ] as const) {
      const says = expect.stringMatching(new RegExp(`^${path}: cannot be read: .*${why}`)) as string;
      expect(loadTokens({ tokensFile: path }, '.')).toEqual({ ok: false, problems: [says] });
    }
  });
});
