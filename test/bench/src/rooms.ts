import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identitiesOf, listRooms, POOL_MIGRATIONS, type RoomAsker, type RoomFilter } from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { startPostgres } from '@hansard/test-servers'
import { type Spread, spreadOf, timed } from './spread.ts'

/** Number of rooms, and members per room, as in the original's capacity model. */
const MODEL = [
  { rooms: 32_000, members: 20 },
  { rooms: 1_067, members: 150 },
  { rooms: 10, members: 2_000 },
]
const PEOPLE = 20_000
const ROOMS_EACH = 16
const CATEGORIES = 100
const FIRST = 10

/** Duration of room lists by each criterion, for a user inside the walls for whom every tenth room is open. */
export async function benchRooms(dialect: 'sqlite' | 'postgres'): Promise<{ what: string; spread: Spread }[]> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-rooms-'))
  const server = dialect === 'postgres' ? await startPostgres({ durable: true }) : undefined
  const url = server ? await server.createDatabase('rooms') : `sqlite:${join(directory, 'pool.db')}`
  const db = openDatabase({ url })
  try {
    await migrate(db, POOL_MIGRATIONS)
    await fill(db)
    // PostgreSQL does this by itself within minutes; SQLite never does, and must be fast without it.
    if (server) await db.knex.raw('analyze')
    return await measure(db)
  } finally {
    await db.close()
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(db: Database): Promise<{ what: string; spread: Spread }[]> {
  const identities = [...(await identitiesOf(db, FIRST + 1_234))]
  const other = FIRST + 4_321
  const text = (words: string[], match: 'all' | 'any' | 'exact') => ({ text: { words, match, inDescription: true } })
  const filters: Record<string, RoomFilter> = {
    'no criterion': {},
    'a word most names hold': text(['room'], 'all'),
    'eight words no name holds, any': text(
      [...'abcdefgh'].map((letter) => `${letter}zq`),
      'any',
    ),
    'a whole name': text(['room', '31999'], 'exact'),
    'a wildcard nothing meets': { like: { wildcard: '*z*q*z*', inDescription: true } },
    category: { category: { name: 'category 17' } },
    'a category that is not there': { category: { name: 'none' } },
    disabled: { disabled: true },
    secret: { privacy: 'secret' },
    auditorium: { type: 'auditorium' },
    'invitations off': { invitations: 'off' },
    'an add-in': { addIn: 'board' },
    'an add-in that is not there': { addIn: 'none' },
    'a member': { member: [other] },
    'a manager': { manager: [other] },
    'in it now': { joined: other },
    followed: { followedBy: FIRST + 1_234 },
    invited: { invited: FIRST + 1_234 },
  }
  const askers: Record<string, Omit<RoomAsker, 'identities'>> = {
    joinable: { among: 'joinable', seesRoles: false },
    seen: { among: 'seen', seesRoles: false },
    'of mine': { among: 'joinable', seesRoles: false, holding: ['member'] },
    'I manage': { among: 'seen', seesRoles: false, holding: ['manager'] },
    'all, administrator': { among: 'all', seesRoles: true },
  }
  const found = []
  for (const [whose, asker] of Object.entries(askers)) {
    for (const [what, filter] of Object.entries(filters)) {
      const times: number[] = []
      let rooms = 0
      for (const [limit, after] of [
        [100, ''],
        [100, 'room 2'],
        [1_000, ''],
        [1_000, 'room 1'],
        [100, 'room 9'],
      ] as const) {
        times.push(
          await timed(async () => {
            rooms += (await listRooms(db, { limit, after, filter, asker: { ...asker, identities } })).length
          }),
        )
      }
      found.push({ what: `${whose}: ${what} (${rooms} found)`, spread: spreadOf(times) })
    }
  }
  return found
}

async function fill(db: Database): Promise<void> {
  const domain = FIRST + PEOPLE
  const principals = Array.from({ length: PEOPLE }, (_, n) => {
    const names = { account: `u${n}`, uri: `sip:u${n}@x`, display_name: `U ${n}` }
    return { id: FIRST + n, ...names, secret: 'x', created_at: 0, type: 'user', domain: 'x' }
  })
  const everybody = { account: 'x', uri: 'ma-grp:x', display_name: 'x', secret: '', created_at: 0, type: 'domain' }
  const categories = Array.from({ length: CATEGORIES }, (_, n) => ({
    id: FIRST + n,
    uri: `ma-cat://x/${n}`,
    name: `category ${n}`,
    created_at: 0,
  }))
  // Everybody is allowed in nine of ten categories, and may create rooms in one.
  const scope = categories
    .filter((_, n) => n % 10 !== 9)
    .map(({ id }) => ({ category_id: id, principal_id: domain, list: 'allowed' }))
  scope.push({ category_id: FIRST + 17, principal_id: domain, list: 'creator' })
  const rooms = []
  const roles = []
  const random = (n: number) => (Math.imul(n, 2_654_435_761) >>> 0) % PEOPLE
  let id = FIRST
  for (const { rooms: count, members } of MODEL) {
    for (let n = 0; n < count; n += 1, id += 1) {
      const privacy = id % 30 === 0 ? 'open' : id % 30 < 20 ? 'closed' : 'secret'
      const what = { privacy, disabled: id % 100 === 3, type: id % 100 === 7 ? 'auditorium' : 'normal' }
      const more = { category_id: FIRST + (id % CATEGORIES), add_in_id: id % 500 === 0 ? 1 : null }
      const names = { uri: `ma-chan://x/${id}`, name: `room ${id}`, description: `what room ${id} is for` }
      rooms.push({ id, ...names, ...what, ...more, invitations: id % 2 ? 'off' : 'inherit', created_at: 0 })
      for (let m = 0; m < members; m += 1)
        roles.push({ room_id: id, principal_id: FIRST + ((random(id) + m) % PEOPLE), role: 'member' })
      roles.push({ room_id: id, principal_id: FIRST + random(id), role: 'manager' })
    }
  }
  const participants = Array.from({ length: PEOPLE * ROOMS_EACH }, (_, n) => {
    const who = { principal_id: FIRST + (n % PEOPLE), session: `s${n}`, source: 'c', epoch: 1, joined_at: 0 }
    return { room_id: FIRST + ((n * 7) % (id - FIRST)), ...who }
  })
  const mine = rooms.filter((_, n) => n % 40 === 0).map((room) => ({ principal_id: FIRST + 1_234, room_id: room.id }))
  await put(db, 'principal', [...principals, { ...everybody, id: domain, domain: 'x' }])
  await put(db, 'category', categories)
  await put(db, 'category_scope', scope)
  await put(db, 'add_in', [{ id: 1, name: 'board', url: 'https://x/' }])
  await put(db, 'room', rooms)
  await put(db, 'room_role', roles)
  await put(db, 'participant', participants)
  await put(db, 'followed_room', mine)
}

async function put(db: Database, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const columns = Object.keys(rows[0]!).join(', ')
  for (let from = 0; from < rows.length; from += 20_000) {
    const json = JSON.stringify(rows.slice(from, from + 20_000))
    if (db.dialect === 'postgres') {
      const insert = `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, ?)`
      await db.knex.raw(insert, [json])
      continue
    }
    const fields = Object.keys(rows[0]!).map((column) => `json_extract(value, '$.${column}')`)
    await db.knex.raw(`insert into ${table} (${columns}) select ${fields.join(', ')} from json_each(?)`, [json])
  }
}
