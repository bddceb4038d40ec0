import { expect, it } from 'vitest';
import { problemsOfArguments } from '../../src/tools/argument-names.ts';

const said = (inputSchema: object): readonly string[] =>
  problemsOfArguments('log.arguments', { loan_book: ['membr'] }, [
    { name: 'loan_book', listing: { inputSchema } as never },
    { name: 'constructor', listing: { inputSchema } as never },
  ]);

it('an argument that a strict schema does not have is a problem', () => {
  expect(said({ properties: { member: {} }, additionalProperties: false })).toEqual([
    'log.arguments: the tool loan_book has no argument membr; did you mean member?',
  ]);
  expect(said({ additionalProperties: false })).toEqual([
    'log.arguments: the tool loan_book has no argument membr',
  ]);
});

it('an argument that a schema may take is none', () => {
  for (const more of [
    { additionalProperties: true },
    { additionalProperties: {} },
    { unevaluatedProperties: false },
    { additionalProperties: false, patternProperties: { '^m': {} } },
    { additionalProperties: false, properties: { membr: {} } },
  ])
    expect(said({ properties: { member: {} }, ...more })).toEqual([]);
});
