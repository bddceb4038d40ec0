/** The media type that a Content-Type header names, in lower case and without its parameters; empty where there is none. */
export const mediaTypeOf = (contentType: string | readonly string[] | null | undefined): string =>
  String(contentType ?? '')
    .split(';', 1)[0]
    ?.trim()
    .toLowerCase() ?? '';
