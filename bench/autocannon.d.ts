/** The part of autocannon 9 used here; the package has no types of its own. */
declare module 'autocannon' {
  interface Options {
    readonly url: string;
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly connections: number;
    readonly duration: number;
    /** Milliseconds between samples; a run ends with one. */
    readonly sampleInt: number;
    /** Whether each `[<id>]` in the body becomes an identifier of its own. */
    readonly idReplacement: boolean;
    readonly verifyBody: (body: string) => boolean;
  }
  interface Result {
    readonly '2xx': number;
    readonly non2xx: number;
    readonly errors: number;
    readonly mismatches: number;
    /** In seconds. */
    readonly duration: number;
  }
  export default function autocannon(options: Options): Promise<Result>;
}
