import { RefusedError, UnreachableError } from '@hansard/client'
import type { ExitCode, Io } from './io.ts'
import { visible } from './table.ts'

/** Ends a command: says what happened, to what, and what to do about it. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
  readonly exitCode: ExitCode
  readonly hint: string | undefined
  /** the stable name of what the pool refused with */
  readonly code: string | undefined
  constructor(
    exitCode: ExitCode,
    message: string,
    { hint, cause, code }: { hint?: string | undefined; cause?: unknown; code?: string | undefined } = {},
  ) {
    super(message, { cause })
    this.exitCode = exitCode
    this.hint = hint
    this.code = code
  }
}

/** The pool said no. */
export function refused(message: string, hint?: string, code?: string): CommandFailure {
  return new CommandFailure(1, message, { hint, code })
}

/** The command cannot be carried out as it was typed. */
export function misused(message: string, hint?: string): CommandFailure {
  return new CommandFailure(2, message, { hint })
}

export function unreachable(message: string, hint?: string, cause?: unknown): CommandFailure {
  return new CommandFailure(2, message, { hint, cause })
}

/** Writes a failure to standard error (as JSON where JSON was asked for) and answers the exit code for it. */
export function reportFailure(io: Io, error: unknown, { json, debug }: { json: boolean; debug: boolean }): ExitCode {
  const failure = failureOf(error)
  if (json) {
    const { exitCode, message, hint, code } = failure
    io.stderr.write(`${JSON.stringify({ error: message, hint, code, exitCode })}\n`)
  } else {
    io.stderr.write(`hansard: ${shownLines(failure.message)}\n`)
    if (failure.hint) io.stderr.write(`  ${shownLines(failure.hint)}\n`)
  }
  if (debug && error instanceof Error) io.stderr.write(`${error.stack}\n`)
  return failure.exitCode
}

/** A message may hold words of other people and of other machines. */
function shownLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error
  if (error instanceof RefusedError) return refused(error.message, undefined, error.code)
  if (error instanceof UnreachableError) {
    const hint = 'Is the pool running? `hansard start` starts one; --data DIR or --server URL name another.'
    return unreachable(error.message, error.answered ? undefined : hint)
  }
  if (error instanceof Error) {
    const hint = (error as { hint?: unknown }).hint
    return new CommandFailure(2, error.message, { hint: typeof hint === 'string' ? hint : undefined, cause: error })
  }
  return new CommandFailure(2, String(error))
}
