import type { Database } from '@hansard/sql'

type Event = {
  readonly kind: string
  readonly room: { readonly uri: string; readonly seq: number }
  readonly principal: { readonly uri: string }
  readonly before?: { readonly members?: readonly string[] }
  readonly after?: { readonly members?: readonly string[] }
}

/**
 * The law of walls, by the record alone: in the order of the room, nobody joins, posts or reads who is not a member
 * at that moment; and applying the changes gives the members that the pool has.
 */
export async function wallsHeld(poolDb: Database, complianceDb: Database, room: string): Promise<string[]> {
  const rows: { body: string }[] = await complianceDb
    .knex('staged_event')
    .whereIn('kind', ['change', 'chat', 'join', 'backchat'])
    .select('body')
  const events = rows
    .map((row) => JSON.parse(row.body) as Event)
    .filter((event) => event.room.uri === room)
    .sort((a, b) => a.room.seq - b.room.seq)
  const found: string[] = []
  const members = new Set<string>()
  let changes = 0
  let deeds = 0
  for (const { kind, principal, before, after, room: place } of events) {
    if (kind === 'change') {
      changes += 1
      for (const uri of before?.members ?? []) members.delete(uri)
      for (const uri of after?.members ?? []) members.add(uri)
      continue
    }
    deeds += 1
    if (!members.has(principal.uri))
      found.push(`${principal.uri} is no member and on record with a ${kind} at ${place.seq}`)
  }
  if (changes < 2 || deeds === 0) found.push(`the wall was not tried: ${changes} changes, ${deeds} deeds behind it`)
  const listed: { uri: string }[] = await poolDb
    .knex('room_role')
    .join('room', 'room.id', 'room_role.room_id')
    .join('principal', 'principal.id', 'room_role.principal_id')
    .where({ 'room.uri': room, role: 'member' })
    .select('principal.uri')
  const state = new Set(listed.map(({ uri }) => uri))
  for (const uri of state.symmetricDifference(members))
    found.push(`the record and the list of members disagree about ${uri}`)
  return found
}
