interface Target {
  readonly job: string;
  readonly instance: string;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;

/**
 * Scrapes of real servers, at times that the test says: what a Prometheus would know that had scraped them then. So
 * hours pass in seconds, and it makes no difference how long this machine takes.
 */
export class Recording {
  readonly #lines: string[] = [];

  /**
   * Adds a scrape.
   * @param time in seconds since the epoch
   * @param metrics what the target answered, in Prometheus's text format; `undefined` when it did not
   */
  add(target: Target, time: number, metrics: string | undefined): void {
    const samples = (metrics ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const ofPrometheus = [
      `up ${metrics === undefined ? 0 : 1}`,
      `scrape_samples_scraped ${samples.length}`,
      `scrape_samples_post_metric_relabeling ${samples.length}`,
    ];
    const own = `job="${target.job}",instance="${target.instance}"`;
    for (const sample of [...samples, ...ofPrometheus]) {
      const [, name, labels, value] = SAMPLE.exec(sample) ?? [];
      if (name === undefined || value === undefined) throw new Error(`not a sample: ${sample}`);
      this.#lines.push(`${name}{${own}${labels === undefined ? '' : `,${labels}`}} ${value} ${time}`);
    }
  }

  /** All of it, as promtool makes blocks of storage from. */
  openMetrics(): string {
    return [...this.#lines, '# EOF', ''].join('\n');
  }
}
