import {
  HTTP_ROUTES,
  HTTP_SERVED,
  HTTP_STATUS_CODES,
  NOT_TOLD_APART,
  RELAY_ROUTE,
  RELAY_SERVED,
  UNMATCHED,
  oneOf,
} from './labels.ts';
import type { Metrics } from './metrics.ts';

/** The series of HTTP requests. Most requests are like the one before, and theirs is not looked for again. */
export class HttpSeries {
  readonly #metrics: Pick<Metrics, 'http_server_request_duration_seconds'>;
  #last:
    | {
        readonly route: string;
        readonly method: string;
        readonly status: number;
        readonly durations: ReturnType<HttpSeries['find']>;
      }
    | undefined;

  constructor(metrics: Pick<Metrics, 'http_server_request_duration_seconds'>) {
    this.#metrics = metrics;
  }

  /**
   * @param route the matched route's template, or `unmatched`
   * @param method of those that the route does not serve none is told apart
   */
  observe(route: string, method: string, status: number, seconds: number): void {
    let last = this.#last;
    if (last?.route !== route || last.method !== method || last.status !== status)
      this.#last = last = { route, method, status, durations: this.find(route, method, status) };
    last.durations.series.observe(seconds);
  }

  private find(route: string, method: string, status: number) {
    if (route === RELAY_ROUTE)
      return this.#metrics.http_server_request_duration_seconds.bind({
        http_route: RELAY_ROUTE,
        http_request_method: oneOf(RELAY_SERVED, method, NOT_TOLD_APART),
        // That there are others is no fault that somebody must hear of.
        http_response_status_code: oneOf(HTTP_STATUS_CODES, String(status)),
      });
    const http_route = oneOf(HTTP_ROUTES, route, UNMATCHED);
    return this.#metrics.http_server_request_duration_seconds.bind({
      http_route,
      http_request_method: oneOf(HTTP_SERVED[http_route] ?? [], method, NOT_TOLD_APART),
      http_response_status_code: String(status),
    });
  }
}
