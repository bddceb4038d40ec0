import { failed, overloaded, type Failure } from '../../tools/call.ts';

/** Why what is passed on is ended here. */
export interface Ending {
  readonly failure: Failure;
  /** Whether a client that can resume its stream finds the upstream here again. */
  readonly mayComeBack: boolean;
}

/** The server stops. */
export const STOPPED: Ending = {
  failure: overloaded('The server does not pass this on any longer; try again.'),
  mayComeBack: false,
};

/** The upstream is none any more, or is another now. */
export const leaving = (name: string, isReplaced: boolean): Ending => ({
  failure: isReplaced
    ? overloaded(`What this server knows of the upstream ${name} has changed; try again.`)
    : failed('unavailable', `The upstream ${name} was removed from this server.`),
  mayComeBack: isReplaced,
});
