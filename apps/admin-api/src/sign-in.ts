import { signInRefusal } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/** Open to every enabled account; each request is authorized separately. */
export const signIn: Handle<'signIn'> = async ({ signIn: people }, { body, remote }) => {
  const result = await people.withPassword({ ...body, remote })
  if (result.outcome === 'refused') throw new AdminProblem(result.reason, signInRefusal(result))
  const { principal } = result
  const newDevice = await result.rememberDevice()
  const device = newDevice === undefined ? {} : { device: newDevice }
  return {
    ...(await people.issueToken(principal, { remote, device: result.device })),
    roles: [...principal.roles],
    ...device,
  }
}
