/**
 * Most values of a message outside its arguments, and most characters of their text. Protocol layers validate all of it, at some
 * microseconds a value, before the rights of its client are checked, and sessions keep some of it.
 */
const MAX_VALUES = 2000;
const MAX_CHARACTERS = 65_536;
/** Most messages of a batch; the SDK takes no more either. */
const MAX_BATCH = 100;

/** Only the fields at its top level are counted; the schema of the tool bounds the rest. */
const ARGUMENTS = 'params.arguments';
/** Answers of a client, and state that it returns: the length of their text is not limited here. */
const ANSWERS: ReadonlySet<string | undefined> = new Set([
  'result',
  'params.inputResponses',
  'params.requestState',
]);

/**
 * Says, in words for its client, why a JSON-RPC message or a batch is too large; `undefined` when it is not. Stops looking as soon as
 * that is clear.
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

/** The same for the number of messages alone, where none of them is validated. */
export const excessOfMessages = (body: unknown): string | undefined =>
  Array.isArray(body) && body.length > MAX_BATCH
    ? `A batch may have at most ${MAX_BATCH} messages`
    : undefined;

/** As {@link excessIn}, for the parameters of a call without a message around them. */
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
