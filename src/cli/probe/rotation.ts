import type { LookupFunction } from 'node:net';

/**
 * Resolves names so that each connection tries another address first, and the rest if nothing listens there. The name of
 * a headless Service has the addresses of all replicas, and most resolvers give them in the same order every time.
 *
 * @param lookup how names are resolved otherwise
 */
export function rotating(lookup: LookupFunction): LookupFunction {
  let turn = 0;
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      // Some resolvers shuffle, which would undo the rotation.
      const addresses = Array.isArray(found)
        ? found.toSorted((one, other) => (one.address < other.address ? -1 : 1))
        : [];
      const at = turn % Math.max(addresses.length, 1);
      turn += 1;
      const rotated = [...addresses.slice(at), ...addresses.slice(0, at)];
      const [first] = rotated;
      if (error || !first) callback(error, found);
      else if (options.all === true) callback(null, rotated);
      else callback(null, first.address, first.family);
    });
  };
}
