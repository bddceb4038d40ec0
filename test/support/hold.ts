import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What calls of the tool `held` wait for, in whatever process they run. */
export interface Hold {
  /** The arguments of such a call. */
  readonly args: { readonly file: string };
  /** Ends all those calls. */
  readonly letGo: () => void;
}

export function hold(): Hold {
  const file = join(mkdtempSync(join(tmpdir(), 'hold-')), 'gone');
  return {
    args: { file },
    letGo: () => {
      writeFileSync(file, '');
    },
  };
}
