import type { Refusal } from '@hansard/wire'

/** The pool said no, and why. `code` is part of the protocol and may be compared. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly code: Refusal
  constructor(code: Refusal, message: string) {
    super(message)
    this.code = code
  }
}

/** Nobody answered, or not in a way this client understands. Trying again later may help. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
  readonly url: string
  /** it is there, and said itself that it cannot serve just now, and why */
  readonly answered: boolean
  constructor(url: string, reason: string, cause?: unknown, { answered = false }: { answered?: boolean } = {}) {
    super(`${url} cannot be reached: ${reason}`, { cause })
    this.url = url
    this.answered = answered
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
 * The connection was lost before the pool answered to a change: it may or may not have been made. Look before you make it
 * again.
 */
export class UncertainError extends Error {
  override name = 'UncertainError'
  constructor(request: string) {
    super(`The connection was lost before the pool answered to "${request}". Look whether it was done.`)
  }
}
