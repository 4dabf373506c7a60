import type { Problem, ProblemCode } from '@hansard/admin-contract'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'

const STATUS: Record<ProblemCode, number> = {
  malformed: 400,
  'not-signed-in': 401,
  'wrong-credentials': 401,
  'not-an-operator': 403,
  'not-found': 404,
  conflict: 409,
  'too-many-attempts': 429,
  'try-again': 503,
  failed: 500,
}

/** An expected no, on its way to the caller. */
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
  return reply.code(STATUS[problem.code]).send(body)
}

/** Parses what a caller sent, or says which part of it is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new AdminProblem('malformed', `${issue.path.join('.') || 'request'}: ${issue.message}`)
}
