/**
 * Does a kind of work in turn, once for all who ask for the same before its turn comes. Who asks while it is being done
 * gets what is done next: a result never begins before it was asked for.
 */
export function inTurn<Key, Result>(work: (key: Key) => Promise<Result>): (key: Key) => Promise<Result> {
  const waiting = new Map<Key, Promise<Result>>();
  let last: Promise<unknown> = Promise.resolve();
  return (key) => {
    const asked = waiting.get(key);
    if (asked) return asked;
    const turn = last.then(() => {
      waiting.delete(key);
      return work(key);
    });
    waiting.set(key, turn);
    // Without the result, which may be large and would be kept.
    last = turn.then(over, over);
    return turn;
  };
}

const over = (): void => undefined;
