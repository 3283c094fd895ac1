/** Exit code of a command that was understood and failed. */
export const EXIT_FAILED = 1;
/** Exit code of a command that was used wrongly. */
export const EXIT_WRONG_USE = 2;

/** What a failure may carry beside its message. */
export interface FailureDetails {
  /** A stable name: an error code of the router, or one of the command's own. */
  code: string;
  exitCode?: typeof EXIT_FAILED | typeof EXIT_WRONG_USE;
  /** The request's id in the logs of the fleet. */
  requestId?: string;
  cause?: unknown;
}

/** Why a command ends without having done its work. The message is for people: what failed, why, and what to do next. */
export class CommandFailure extends Error {
  readonly code: string;
  readonly exitCode: number;
  readonly requestId: string | undefined;

  constructor(message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CommandFailure';
    this.code = details.code;
    this.exitCode = details.exitCode ?? EXIT_FAILED;
    this.requestId = details.requestId;
  }
}
