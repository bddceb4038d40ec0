/**
 * Most values of a message besides those in its arguments, and most of their text. Protocol layers validate all of it before
 * anybody asks whether its client may have that done, at some microseconds a value, and sessions keep some of it.
 */
const MAX_VALUES = 2000;
const MAX_CHARACTERS = 65_536;
/** Most messages of a batch; the SDK takes no more either. */
const MAX_BATCH = 100;

/** What tools judge: of these only the own fields count. */
const ARGUMENTS = 'params.arguments';
/** What a client says when it was asked, and what it brings back: their text may be as long as it is. */
const ANSWERS: ReadonlySet<string | undefined> = new Set([
  'result',
  'params.inputResponses',
  'params.requestState',
]);

/**
 * What is too much about a JSON-RPC message or a batch of them, in words for its client; `undefined` when nothing is. Looks
 * no further than it takes to tell.
 */
export function excessIn(body: unknown): string | undefined {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  const tooMany = excessOfMessages(body);
  if (tooMany !== undefined) return tooMany;
  const size = new Size();
  return messages.every((message) => size.add(message, ''))
    ? undefined
    : `Besides its arguments, a message or a whole batch may have at most ${MAX_VALUES} values and ${MAX_CHARACTERS} characters`;
}

/** The same of how many messages there are: all that matters where none is validated. */
export const excessOfMessages = (body: unknown): string | undefined =>
  Array.isArray(body) && body.length > MAX_BATCH
    ? `A batch may have at most ${MAX_BATCH} messages`
    : undefined;

/** As {@link excessIn}, of what is the parameters of a call without a message around them. */
export const excessInParams = (params: unknown): string | undefined => excessIn({ params });

class Size {
  #values = 0;
  #characters = 0;

  /**
   * @param place the path to a value, as far as it matters
   * @returns whether all there is by now is within bounds
   */
  add(value: unknown, place?: string, isAnswer = false): boolean {
    this.#values += 1;
    if (typeof value === 'string' && !isAnswer) this.#characters += value.length;
    if (typeof value !== 'object' || value === null) return this.#fits();
    if (Array.isArray(value)) {
      const items: readonly unknown[] = value;
      if (place === ARGUMENTS) return this.#fits();
      return this.#fits(items.length) && items.every((item) => this.add(item, undefined, isAnswer));
    }
    const names = Object.keys(value);
    if (!this.#fits(names.length)) return false;
    if (place === ARGUMENTS) {
      this.#values += names.length;
      return true;
    }
    return names.every((name) => {
      this.#characters += name.length;
      const inside = within(place, name);
      const part = (value as Readonly<Record<string, unknown>>)[name];
      return this.add(part, inside, isAnswer || ANSWERS.has(inside));
    });
  }

  #fits(more = 0): boolean {
    return this.#values + more <= MAX_VALUES && this.#characters <= MAX_CHARACTERS;
  }
}

function within(place: string | undefined, name: string): string | undefined {
  if (place === '') return name;
  return place === 'params' ? `params.${name}` : undefined;
}
