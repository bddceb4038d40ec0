/** For tools whose result depends on nothing but their arguments. */
export const pure = { readOnly: true, idempotent: true, openWorld: false };

/** For tools that change nothing, but answer differently each time: generators and clocks. */
export const fresh = { readOnly: true, idempotent: false, openWorld: false };

/** For tools that only read, from the internet. */
export const internet = { readOnly: true, idempotent: true, openWorld: true };
