import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/** Open to every enabled account; each request is authorized separately. */
export const signIn: Handle<'signIn'> = async ({ signIn: people }, { body, remote }) => {
  const result = await people.withPassword({ ...body, remote })
  if (result.outcome === 'signed-in')
    return { token: result.token, expiresAt: result.expiresAt, roles: [...result.principal.roles] }
  const why =
    result.reason === 'too-many-attempts'
      ? 'Too many failed attempts. Wait five minutes.'
      : 'Account or password is wrong.'
  throw new AdminProblem(result.reason, why)
}
