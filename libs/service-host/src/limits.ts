/** What an HTTP edge takes at most, all of it in one place. Documents from outside are limited by JSON_DEPTH_MAX as well. */

/** 1 MiB: larger content is an artifact. */
export const BODY_BYTES_MAX = 1_048_576;
/** Names and values of all headers of a request. */
export const HEADER_BYTES_MAX = 16_384;
/** Until the last header is here. */
export const HEADERS_MS_MAX = 10_000;
/** Until the last byte of the body is here. */
export const REQUEST_MS_MAX = 30_000;
/** From then on until the answer: those who ask give up after ten seconds or more, and shall know by then what to do. */
export const ANSWER_MS_MAX = 8_000;
/** How late a request that is over its time may be noticed. */
export const OVERTIME_CHECK_MS = 1_000;
