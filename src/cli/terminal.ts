/** Where a command writes; passed in, so that tests can read it. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** A line on a terminal that is rewritten while something slow goes on; nothing at all in a pipe. */
export interface ProgressLine {
  say(text: string): void;
  end(): void;
}

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

/**
 * Begins a progress line on stderr. It appears only when the work takes longer than a moment.
 * @param now monotonic, in seconds
 */
export function progressLine({ stderr }: Terminal, label: string, now: () => number): ProgressLine {
  if (!stderr.isTTY) return { say: () => undefined, end: () => undefined };
  const startedAt = now();
  let detail = '';
  let drawn = false;
  const timer = setInterval(() => {
    drawn = true;
    stderr.write(`${CLEAR_LINE}${label} ${(now() - startedAt).toFixed(1)} s ${detail}`);
  }, REDRAW_MS);
  return {
    say(text) {
      detail = text;
    },
    end() {
      clearInterval(timer);
      if (drawn) stderr.write(CLEAR_LINE);
    },
  };
}
