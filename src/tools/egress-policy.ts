import { isPublicAddress, isPublicName } from './public-address.ts';

/** Which hosts a network tool may reach. */
export interface EgressPolicy {
  /** Judges a hostname before it is looked up. */
  readonly permitsName: (hostname: string) => boolean;
  /** Judges an IP address before it is connected to or shown. */
  readonly permitsAddress: (address: string) => boolean;
}

/** Hosts of the public internet only. */
export const publicInternet: EgressPolicy = { permitsName: isPublicName, permitsAddress: isPublicAddress };

/** Every host, private networks included. */
export const anyNetwork: EgressPolicy = { permitsName: () => true, permitsAddress: () => true };
