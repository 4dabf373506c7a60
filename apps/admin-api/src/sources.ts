import { declareDead, sourceStates } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/**
 * Declares a source dead: it is fenced in the pool database, so that it cannot commit anything any more, and intervals
 * no longer wait for it. What it had committed is staged and exported like everything else.
 */
export const declareSourceDead: Handle<'declareDead'> = async ({ poolDb, clock }, { body: { source } }) => {
  const epoch = await declareDead(poolDb, { name: source, now: clock.now() })
  if (epoch !== undefined) return { source, epoch }
  const known = await sourceStates(poolDb, source)
  if (known.length === 0)
    throw new AdminProblem('not-found', `There is no source ${JSON.stringify(source)}.`, 'See `hansard status`.')
  throw new AdminProblem('conflict', `Source ${source} is not alive any more; it is ${known.at(-1)}.`)
}
