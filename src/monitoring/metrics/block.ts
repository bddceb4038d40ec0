import { measured, type MeasuredText } from './paced-text.ts';
import type { LabelValues } from './sample-text.ts';
import type { TextKeeper, TimeSeries } from './time-series.ts';

/** Samples of a block, unless a series has more. Fewer would be more to put together, and more would be more to write anew. */
const SAMPLES = 64;

/** A few series of a metric, whose text is kept until one of them moves. */
export class Block<Member extends TimeSeries> implements TextKeeper {
  /** In the order in which they were created. */
  readonly members = new Set<Member>();
  readonly #capacity: number;
  #defaults: LabelValues | undefined;
  #plain: MeasuredText | undefined;
  /** With exemplars, once there are any: nothing else tells the text in OpenMetrics from the other. */
  #traced: MeasuredText | undefined;
  #hasExemplars = false;

  /** @param samples how many each series has */
  constructor(samples: number) {
    this.#capacity = Math.max(1, Math.floor(SAMPLES / samples));
  }

  get isFull(): boolean {
    return this.members.size >= this.#capacity;
  }

  add(member: Member): void {
    this.members.add(member);
    this.moved();
  }

  remove(member: Member): void {
    this.members.delete(member);
    this.moved();
  }

  moved(): void {
    this.#plain = undefined;
    this.#traced = undefined;
  }

  traced(): void {
    this.#hasExemplars = true;
  }

  /**
   * The lines of its series.
   * @param defaults labels that the registry adds, the same object as long as they are the same
   */
  text(isOpenMetrics: boolean, defaults: LabelValues): MeasuredText {
    if (this.#defaults !== defaults) this.moved();
    this.#defaults = defaults;
    if (isOpenMetrics && this.#hasExemplars) return (this.#traced ??= this.#write(true, defaults));
    return (this.#plain ??= this.#write(false, defaults));
  }

  #write(withExemplars: boolean, defaults: LabelValues): MeasuredText {
    const lines: string[] = [];
    for (const member of this.members) member.write(lines, withExemplars, defaults);
    // Joined, it is kept in one piece, where `+` would keep every piece.
    return measured(lines.join(''));
  }
}
