/** The name by which containers reach this machine. */
export const HOST_NAME = 'host.docker.internal';

/** Where a process listens for containers: which interface they come by depends on the engine. */
export const LISTEN_ADDRESS = '0.0.0.0';
