import type { Admin, EnterprisePool, Random } from '@hansard/test-pool'

/** A fault, and how it is repaired. */
export type Fault = {
  readonly name: string
  strike(pool: EnterprisePool, random: Random, during: During): Promise<() => Promise<void>>
}
/** What a fault may do and demand while it lasts. */
type During = {
  readonly admin: Admin
  /** every talker gets on although the fault lasts */
  progress(): Promise<void>
  /** the longest that a process is frozen, in milliseconds */
  readonly frozenMsMax: number
}
