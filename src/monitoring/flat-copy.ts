/**
 * A text for keeping: a part of a longer text, as `slice` or a regular expression gives it, keeps that alive in V8, which may
 * be a megabyte that a client sent; and one that was put together with `+` keeps all its parts.
 */
export const flatCopy = (text: string): string => Buffer.from(text).toString();
