import { PROBLEM_STATUS, type Problem, type ProblemCode } from '@hansard/admin-contract'
import { TooManySignIns } from '@hansard/credentials'
import type { Log } from '@hansard/log'
import { RecordBusy, RecordStopped, RecordUnavailable, SourceFenced } from '@hansard/pool-store'
import { isTransient } from '@hansard/sql'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import { issueWords } from './issue-words.ts'

/** An expected refusal, thrown to reach the caller. */
export class AdminProblem extends Error {
  override name = 'AdminProblem'
  readonly code: ProblemCode
  readonly hint: string | undefined
  constructor(code: ProblemCode, message: string, hint?: string) {
    super(message)
    this.code = code
    this.hint = hint
  }
}

export function sendProblem(reply: FastifyReply, problem: AdminProblem): FastifyReply {
  const body: Problem = {
    error: problem.code,
    message: problem.message,
    ...(problem.hint ? { hint: problem.hint } : {}),
  }
  return reply.code(PROBLEM_STATUS[problem.code]).send(body)
}

/** Parses a request, or refuses it with the member that is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new AdminProblem('malformed', issueWords(result.error.issues[0]!))
}

/** The caller's view of an error. Unexpected errors are logged and not shown. */
export function problemOf(log: Log, doing: string, error: unknown): AdminProblem {
  if (error instanceof AdminProblem) return error
  if (error instanceof TooManySignIns) return new AdminProblem('try-again', error.message)
  const malformed = malformedRequest(error)
  if (malformed) return malformed
  log.warn({ err: error, doing }, 'an admin request failed')
  if (isTransient(error)) return new AdminProblem('try-again', 'A database is unreachable or read-only.')
  if (TRANSIENT.some((kind) => error instanceof kind))
    return new AdminProblem('try-again', 'The pool cannot do that just now. Try again in a moment.')
  return new AdminProblem('failed', 'The request failed; the log says why.')
}

const TRANSIENT = [RecordBusy, RecordStopped, RecordUnavailable, SourceFenced]

/** Refusals of the HTTP server itself: a body that is not JSON, too large or of another type, a malformed path. */
function malformedRequest(error: unknown): AdminProblem | undefined {
  const { statusCode, code } = error as { statusCode?: number; code?: string }
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined
  if (statusCode === 413) return new AdminProblem('too-large', 'A request may have at most 4 MiB.')
  // Not with the server's own message, which repeats the input.
  const what =
    statusCode === 415
      ? 'Requests are of the type application/json.'
      : code === 'FST_ERR_BAD_URL'
        ? 'The path holds what is no percent-encoded text.'
        : code === 'FST_ERR_MAX_PARAM_LENGTH'
          ? 'A part of the path is too long.'
          : 'The body is not what a request may have: JSON, in UTF-8.'
  return new AdminProblem('malformed', what)
}
