import { declareDead, sourceStates } from '@hansard/pool-store'
import { auditLook } from './audit-look.ts'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/**
 * Declares a source dead: it is fenced in the pool database, so that it cannot commit anything any more, and intervals
 * no longer wait for it. Who asked is on record before it is done. What it had committed is staged and exported like everything else.
 */
export const declareSourceDead: Handle<'declareDead'> = async (parts, { actor, body: { source } }) => {
  const { poolDb, clock } = parts
  await auditLook(parts, actor.account, 'declare-dead', source)
  const epoch = await declareDead(poolDb, { name: source, now: clock.now() })
  if (epoch !== undefined) return { source, epoch }
  const known = await sourceStates(poolDb, source)
  if (known.length === 0)
    throw new AdminProblem('not-found', `There is no source ${JSON.stringify(source)}.`, 'See `hansard status`.')
  throw new AdminProblem('conflict', `Source ${source} is not alive any more; it is ${known.at(-1)}.`)
}
