import type { WireRefusal } from '@hansard/wire'

/** The pool said no, and why. `code` is part of the protocol and may be compared. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly code: WireRefusal
  constructor(code: WireRefusal, message: string) {
    super(message)
    this.code = code
  }
}

/** Nobody answered, or not in a way this client understands. Trying again later may help. */
export class UnreachableError extends Error {
  override name: string = 'UnreachableError'
  readonly url: string
  /** it is there, and said itself that it cannot serve just now, and why */
  readonly answered: boolean
  /** it said that the next attempt may go better */
  readonly passing: boolean
  constructor(
    url: string,
    reason: string,
    cause?: unknown,
    { answered = false, passing = false }: { answered?: boolean; passing?: boolean } = {},
  ) {
    super(`${url} cannot be reached: ${reason}`, { cause })
    this.url = url
    this.answered = answered
    this.passing = passing
  }
}

/** The pool named an address that a password must not be sent to. The pool has to be set up rightly; trying again does not help. */
export class UnsafeAddressError extends UnreachableError {
  constructor(from: string, to: string, why: string) {
    super(
      to,
      `${from} names it, but it ${why}. The operator sets the public URL of the pool (HANSARD_PUBLIC_URL)`,
      undefined,
      {
        answered: true,
      },
    )
    this.name = 'UnsafeAddressError'
  }
}

/**
 * The client was closed before the answer came. A post that fails with this may or may not be recorded:
 * post it again under the same name to be sure.
 */
export class ClosedError extends Error {
  override name = 'ClosedError'
  constructor(cause?: unknown) {
    super('The connection to the pool was closed.', { cause })
  }
}

/**
 * The connection was lost before the pool answered to a change: it may or may not have been made. Look before you make
 * it again.
 */
export class UncertainError extends Error {
  override name = 'UncertainError'
  constructor(request: string) {
    super(`The connection was lost before the pool answered to "${request}". Look whether it was done.`)
  }
}
