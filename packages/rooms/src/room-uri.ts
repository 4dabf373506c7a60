const ROOM_URI = /^ma-chan:\/\/([a-z0-9.-]+)\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/

/** `ma-chan://<domain>/<guid>`: identifies a room for ever, whatever its name. */
export function newRoomUri(domain: string): string {
  return `ma-chan://${domain}/${crypto.randomUUID()}`
}

/** `ma-cat://<domain>/<guid>`: a category, or the root category, under which the pool's own changes are recorded. */
export function newCategoryUri(domain: string): string {
  return `ma-cat://${domain}/${crypto.randomUUID()}`
}

/** The parts of a room URI, or undefined when the text is not one. */
export function parseRoomUri(uri: string): { domain: string; guid: string } | undefined {
  const match = ROOM_URI.exec(uri)
  return match ? { domain: match[1]!, guid: match[2]! } : undefined
}

/**
 * Why a text cannot name a room (or the thing `what` says); undefined when it can. At most 256 characters, no control
 * characters.
 */
export function roomNameProblem(name: string, what = 'A room name'): string | undefined {
  // Rooms and categories are looked up by URI or by name. A name that looks like a URI would be mistaken for one.
  if (/^(ma-[a-z]+|sip):/i.test(name)) return `${what} may not begin like a URI.`
  // Nobody could distinguish such a name from the same name without these characters.
  if (name.trim() !== '' && (name !== name.trim() || /[\u200b\u2060\ufeff]/.test(name))) {
    return `${what} may not begin or end with a space or hold spaces of no width.`
  }
  return nameProblem(what, name)
}

/**
 * Why a text cannot name a policy; undefined when it can. A name with a colon applies to a place, `site:<name>` or
 * `pool:<name>`. A mistyped prefix would make a policy that applies to nobody, and nobody would notice.
 */
export function policyNameProblem(identity: string): string | undefined {
  const problem = roomNameProblem(identity, 'A policy’s name')
  if (problem || !identity.includes(':') || /^(site|pool):[^:]/.test(identity)) return problem
  return 'A policy’s name has a colon only as site:<name> or pool:<name>; one to grant has none.'
}

export function nameProblem(what: string, name: string): string | undefined {
  if (name.trim() === '') return `${what} may not be empty.`
  if (name.length > 256) return `${what} may have at most 256 characters; this one has ${name.length}.`
  if (!name.isWellFormed()) return `${what} must be valid Unicode; this one holds half a surrogate pair.`
  if (/\p{Cc}/u.test(name)) return `${what} may not hold control characters.`
  return undefined
}
