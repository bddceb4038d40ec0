/** Most informational answers (HTTP 1xx) before an answer: of more, the other side has none to give. */
export const MAX_INFORMATIONAL = 20;
