import { declareDead, SILENT_BEFORE_DEAD_MS, sourceStates } from '@hansard/pool-store'
import { auditRead } from './audit-read.ts'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/**
 * Declares a source dead: the pool database fences it, so it can commit nothing more, and intervals no longer wait
 * for it. The caller is recorded before it is done. What the source had committed is staged and exported like
 * everything else.
 */
export const declareSourceDead: Handle<'declareDead'> = async (deps, { actor, body: { source } }) => {
  const { poolDb, clock } = deps
  await auditRead(deps, actor.account, 'declare-dead', source)
  const now = clock.now()
  const epoch = await declareDead(poolDb, { name: source, now, silentSince: now - SILENT_BEFORE_DEAD_MS })
  if (epoch !== undefined) return { source, epoch }
  const known = await sourceStates(poolDb, source)
  if (known.length === 0)
    throw new AdminProblem('not-found', `There is no source ${JSON.stringify(source)}.`, 'See `hansard status`.')
  if (known.at(-1) === 'alive') {
    const seconds = SILENT_BEFORE_DEAD_MS / 1_000
    throw new AdminProblem(
      'conflict',
      `Source ${source} has reported within the last ${seconds} seconds: it is alive, and users may be connected to it.`,
      `Stop it, or end its process; ${seconds} seconds after its last report it may be declared dead.`,
    )
  }
  throw new AdminProblem('conflict', `Source ${source} is not alive any more; it is ${known.at(-1)}.`)
}
