/** A regular file, of which nothing can be written that the server writes. */
export const FULL = '/proc/self/oom_score_adj';
