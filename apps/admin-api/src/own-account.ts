import { hashPassword, passwordProblem } from '@hansard/credentials'
import { signInRefusal } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'
import { unwrap } from './unwrap.ts'

/** Changes the caller's password. Requires the old one; guessing it is throttled like signing in. */
export const changeOwnPassword: Handle<'changeOwnPassword'> = async (deps, { body, remote }) => {
  const { commands, signIn, passwordCharactersMin: charactersMin } = deps
  const { account, password, newPassword, device } = body
  const proved = await signIn.withPassword({ account, password, remote, device, purpose: 'prove' })
  if (proved.outcome === 'refused') throw new AdminProblem(proved.reason, signInRefusal(proved))
  const problem = await passwordProblem(newPassword, { account, charactersMin })
  if (problem !== undefined) throw new AdminProblem('invalid', problem)
  const { principal } = proved
  await unwrap(commands.changeOwnSecret(principal, { secret: await hashPassword(newPassword) }))
  signIn.record.note({ outcome: 'password-changed', account, principalId: principal.id, remote })
  return { account }
}

/**
 * Ends the session of a token, or all sessions of its account. Succeeds for an invalid token: it is signed out
 * already.
 */
export const signOut: Handle<'signOut'> = async (
  { commands, signIn, bus },
  { body: { token, everywhere }, remote },
) => {
  const holder = await signIn.withToken(token)
  if (!holder) return { done: true }
  const { principal } = holder
  const about = { account: principal.account, principalId: principal.id, remote }
  if (everywhere) {
    await unwrap(commands.signOutEverywhere(principal, { user: principal.uri }))
    signIn.record.note({ outcome: 'signed-out-everywhere', ...about })
  } else {
    await signIn.endSession({ ...holder, remote })
    bus.publish({ t: 'principal-changed', principals: [principal.id] })
  }
  return { done: true }
}
