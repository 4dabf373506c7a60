import { breakLease, listLeases } from '@hansard/sql'
import { auditRead } from './audit-read.ts'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

/** Every lease of both databases. */
export const leases: Handle<'leases'> = async ({ poolDb, complianceDb, clock }) => {
  const both = await Promise.all([listLeases(poolDb, clock), listLeases(complianceDb, clock)])
  return { leases: both.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}

/**
 * Takes a lease away from its holder. The caller is recorded before it is done. The holder can change nothing any
 * more under the lease; the next process that asks for it gets it.
 */
export const breakLeaseByName: Handle<'breakLease'> = async (deps, { actor, path: { lease = '' } }) => {
  const { poolDb, complianceDb, clock } = deps
  const [before] = (await Promise.all([listLeases(poolDb, clock), listLeases(complianceDb, clock)]))
    .flat()
    .filter(({ name }) => name === lease)
  await auditRead(
    deps,
    actor.account,
    'break-lease',
    lease,
    before ? { holder: before.holder, token: before.token } : {},
  )
  const broken = (await breakLease(poolDb, lease)) ?? (await breakLease(complianceDb, lease))
  if (broken) return broken
  throw new AdminProblem('not-found', `Nobody holds a lease ${JSON.stringify(lease)}.`, 'See `hansard leases list`.')
}
