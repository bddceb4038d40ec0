import { redactText } from './redact-text.ts';
import { redactValue } from './redact.ts';

const MAX_LENGTH = 2000;

/** The longest name of an error, and the longest code, in characters. */
const MAX_WORD = 100;

/** How many causes of causes are looked at. */
const MAX_CAUSES = 5;

/**
 * What was thrown, as it may be logged: of errors their type, message, stack and code, with those of their causes, and
 * without what looks like a secret; other properties may hold anything, such as the headers of a request.
 */
export function describeThrown(thrown: unknown): unknown {
  if (!(thrown instanceof Error))
    return typeof thrown === 'string' ? redactText(thrown) : redactValue('thrown', thrown, MAX_LENGTH);
  const chain = chainOf(thrown);
  // A thrower may have set them to anything.
  const { name, code } = thrown as { readonly name: unknown; readonly code?: unknown };
  const type = redactText(name === 'Error' ? thrown.constructor.name : String(name), MAX_WORD);
  // Without a prototype, and with a name: pino's own serializer would say `Object` of what has a constructor.
  return Object.assign(Object.create(null, { name: { value: type } }) as object, {
    type,
    message: redactText(chain.map(({ message }) => message).join(': ')),
    stack: redactText(
      chain.map(({ name, message, stack }) => stack ?? `${name}: ${message}`).join('\ncaused by: '),
    ),
    ...(typeof code === 'string' && { code: redactText(code, MAX_WORD) }),
    ...(typeof code === 'number' && { code }),
  });
}

function chainOf(error: Error): readonly Error[] {
  const chain = [error];
  for (let next = error.cause; next instanceof Error && chain.length < MAX_CAUSES; next = next.cause)
    chain.push(next);
  return chain;
}
