import type { RoomRole } from './room.ts'

/** A principal's standing to a room and its category: the input of every access rule. */
export type Standing = {
  /** allowed by the category and not denied by it */
  readonly inScope: boolean
  /** a creator of the category */
  readonly creator: boolean
  /** the room's roles, held as a user, through a group or through the domain */
  readonly roles: ReadonlySet<RoomRole>
  /** holds the pool role `administrator` */
  readonly administrator: boolean
}

/** The lists of a category, by principal id. */
export type Scope = {
  readonly allowed: ReadonlySet<number>
  readonly denied: ReadonlySet<number>
  readonly creators: ReadonlySet<number>
}
export type RoomRoles = {
  readonly members: ReadonlySet<number>
  readonly managers: ReadonlySet<number>
  readonly presenters: ReadonlySet<number>
}

/**
 * Derives a principal's standing. `identities` are the ids the principal acts under: its own, its domain's, and those
 * of all groups that contain one of these, however deeply nested. Deny wins over allow, whichever is more specific.
 */
export function standingOf(
  identities: ReadonlySet<number>,
  { scope, roles, administrator }: { scope: Scope; roles: RoomRoles; administrator: boolean },
): Standing {
  const inScope = meets(identities, scope.allowed) && !meets(identities, scope.denied)
  const held = new Set<RoomRole>()
  if (meets(identities, roles.members)) held.add('member')
  if (meets(identities, roles.managers)) held.add('manager')
  if (meets(identities, roles.presenters)) held.add('presenter')
  return { inScope, creator: meets(identities, scope.creators), roles: held, administrator }
}

function meets(some: ReadonlySet<number>, others: ReadonlySet<number>): boolean {
  const [small, large] = some.size <= others.size ? [some, others] : [others, some]
  for (const id of small) if (large.has(id)) return true
  return false
}
