/** A tool that computes for long, in a thread of its own. */
import { defineTool, z } from 'nexus-mcp/tools';

export const countPrimes = defineTool({
  name: 'count_primes',
  title: 'Count primes',
  description: 'How many prime numbers there are up to a limit.',
  input: z.strictObject({ limit: z.int().min(0).max(1_000_000_000) }),
  output: z.int(),
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  isolation: 'worker',
  timeoutSeconds: 5,
  handler({ limit }) {
    let count = 0;
    for (let number = 2; number <= limit; number += 1) if (isPrime(number)) count += 1;
    return count;
  },
});

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor += 1) if (number % factor === 0) return false;
  return true;
}
