import { z } from 'zod'
import { count } from './paging.ts'

/** The right to do alone, for a limited time, what only one process may do at a time. */
export const LeaseStanding = z.object({
  /** `relay` and `import-data` in the pool database, `exporter` in the compliance database */
  name: z.string(),
  holder: z.string(),
  /** the fencing token: it grows with each change of holder */
  token: count,
  /** by the clock of the lease's database; 0 or less when it has expired and nobody has taken it since */
  expiresInMs: z.int(),
})
export type LeaseStanding = z.infer<typeof LeaseStanding>

export const LeasesReply = z.object({ leases: z.array(LeaseStanding) })
export type LeasesReply = z.infer<typeof LeasesReply>

/** The lease that was broken. For an unknown lease, or one that nobody holds, the answer is `not-found`. */
export const LeaseBroken = z.object({ name: z.string(), holder: z.string(), token: count })
export type LeaseBroken = z.infer<typeof LeaseBroken>
