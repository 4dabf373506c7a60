import { ADMIN_ROUTES, type AdminRouteName, adminPath } from '@hansard/admin-contract'
import type { ClientMessage } from '@hansard/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MatrixPool, startMatrixPool } from './matrix-pool.ts'
import { type MatrixPerson, PEOPLE, PLACES } from './situations.ts'
import type { RoomOnTrial, WebSocketDoor } from './websocket-door.ts'

/**
 * Tests the wall: every message of the client protocol and every route of the admin API, requested by every user
 * outside the wall for every room behind it. The reply must be identical, word for word, to the one for a room that
 * does not exist.
 */
let pool: MatrixPool
let missing: RoomOnTrial
const outside = PEOPLE.filter((person) => !person.inScope && !person.administrator)

beforeAll(async () => {
  pool = await startMatrixPool()
  const uri = 'ma-chan://localhost/00000000-0000-4000-8000-000000000000'
  missing = { ...pool.room(PLACES[0]!), uri, name: 'nothing', nextChat: () => 1, file: crypto.randomUUID() }
})
afterAll(() => pool?.[Symbol.asyncDispose]())

type Question<T extends ClientMessage['t']> = Omit<Extract<ClientMessage, { t: T }>, 'id' | 't'>
/** One of each message; the compiler rejects an omission. */
const MESSAGES: { readonly [T in ClientMessage['t']]: (room: RoomOnTrial) => Question<T> } = {
  'sign-in': () => ({ account: 'seeder', password: 'a guess' }),
  ping: () => ({}),
  renew: () => ({ token: 'a guess' }),
  'change-password': () => ({ password: 'a guess', newPassword: 'a guess' }),
  join: ({ uri }) => ({ room: uri, after: 0 }),
  part: ({ uri }) => ({ room: uri }),
  post: ({ uri }) => ({ room: uri, post: 'walk', text: 'anybody there?' }),
  'replace-chat': ({ uri }) => ({ room: uri, chat: 1, text: 'x' }),
  'delete-chat': ({ uri }) => ({ room: uri, chat: 1 }),
  history: ({ uri }) => ({ room: uri }),
  search: ({ uri }) => ({ rooms: [uri], filter: FILTER, order: 'newest' }),
  roster: ({ uri }) => ({ room: uri }),
  rooms: () => ({ all: true, limit: 1_000 }),
  room: ({ uri }) => ({ room: uri }),
  categories: () => ({}),
  'add-ins': () => ({}),
  'create-room': ({ otherCategory }) => ({ category: otherCategory, name: 'mine' }),
  'change-room': ({ uri, name }) => ({ room: uri, name: `${name} 2`, category: 'Wall' }),
  'change-roles': ({ uri }) => ({ room: uri, role: 'member', add: ['sip:outsider@names.example'], remove: [] }),
  'disable-room': ({ uri }) => ({ room: uri }),
  'enable-room': ({ uri }) => ({ room: uri }),
  'delete-room': ({ uri }) => ({ room: uri }),
  'clear-room': ({ uri }) => ({ room: uri, through: Number.MAX_SAFE_INTEGER }),
  'purge-chats': ({ uri }) => ({ room: uri, filter: FILTER }),
  eligible: ({ uri }) => ({ room: uri, text: '*' }),
  follow: ({ uri }) => ({ room: uri }),
  unfollow: ({ uri }) => ({ room: uri }),
  followed: () => ({}),
  'mark-read': ({ uri }) => ({ room: uri, chat: 3 }),
  watch: ({ uri }) => ({ room: uri }),
  unwatch: ({ uri }) => ({ room: uri }),
  feeds: () => ({}),
  'put-feed': () => ({ name: 'walk', filter: { words: ['seed'], authors: ['sip:seeder@names.example'], ego: true } }),
  'open-feed': () => ({ name: 'walk' }),
  'delete-feed': () => ({ name: 'walk' }),
  invitations: () => ({ after: 0, limit: 500 }),
  preference: ({ uri }) => ({ label: uri }),
  'put-preference': ({ uri }) => ({ label: uri.slice(0, 256), version: 0, content: '' }),
  'upload-token': ({ uri }) => ({ room: uri, fileName: 'x', size: 1 }),
  'download-token': ({ uri, file }) => ({ room: uri, file }),
  'sign-out': () => ({ everywhere: false }),
}
const FILTER = { words: 'seed', match: 'all' as const, caseSensitive: false }
/** Messages about the caller's own data, which the previous request may have changed. */
const OWN: ReadonlySet<string> = new Set([
  'preference',
  'put-preference',
  'delete-feed',
  'sign-in',
  'renew',
  'change-password',
])
/** Messages about no particular room: their replies must contain nothing from behind the wall. */
const LISTS: ReadonlySet<string> = new Set(['rooms', 'followed', 'invitations', 'open-feed', 'categories', 'feeds'])

describe('a user outside the wall', () => {
  const asked = (Object.keys(MESSAGES) as ClientMessage['t'][]).filter((t) => t !== 'sign-out')
  it.each(asked)('learns nothing from the message %s', async (t) => {
    for (const person of outside) {
      const door = await pool.door(person)
      if (t === 'open-feed') await door.ask({ t: 'put-feed', ...MESSAGES['put-feed'](missing) })
      const nothing = await words(door, t, missing)
      expect(nothing.length).toBeGreaterThan(0)
      for (const place of PLACES) {
        const room = pool.room(place)
        const heard = await words(door, t, room)
        if (!OWN.has(t)) expect(heard, `${person.name}, ${place.name}`).toEqual(nothing)
        if (LISTS.has(t)) for (const text of heard) expect(text).not.toContain('ma-chan:')
      }
      expectNothingFromBehind(door.heard.join('\n'))
    }
  })

  it('finds nothing by searching everything it may search', async () => {
    for (const person of outside) {
      const door = await pool.door(person)
      for (const words of ['seed', 'seed 1', 'seeder']) {
        const answer = await door.ask({ t: 'search', filter: { ...FILTER, words, match: 'any' }, order: 'oldest' })
        expect(answer).toMatchObject({ t: 'found', chats: [], exceeded: false })
      }
      const criteria = [
        ...[{ text: 'normal' }, { disabled: true }, { disabled: false }, { invitations: 'inherit' }, { mine: true }],
        ...[{ managed: true }, { privacy: 'open' }, { type: 'normal' }, { match: 'any', text: 'a e i o u' }],
        ...['Wall', 'Other', 'Quiet'].map((category) => ({ category })),
        ...['sip:seeder@names.example', 'ma-grp:*@wall.example'].flatMap((uri) => [
          { member: uri },
          { manager: uri },
          { joined: uri },
        ]),
      ] as const
      expect(criteria.length).toBeGreaterThan(12)
      for (const one of criteria)
        expect(await door.ask({ t: 'rooms', all: true, ...one })).toMatchObject({ rooms: [], next: null })
    }
  })

  // Signing in concerns no room, and counts failed attempts.
  const routes = (Object.keys(ADMIN_ROUTES) as AdminRouteName[]).filter((name) => name !== 'signIn')
  it.each(routes)('learns nothing from the route %s', async (name) => {
    for (const person of outside) {
      const token = await signIn(person)
      const about = async (room: RoomOnTrial) => answerOf(await call(name, token, room))
      const nothing = await about(missing)
      for (const place of PLACES)
        expect(await about(pool.room(place)), `${person.name}, ${place.name}`).toEqual(nothing)
    }
  })

  it('reaches no file by an invented token, or by the token of another file', async () => {
    const tokens = ['x', 'A'.repeat(43), '../../../etc/passwd', pool.room(PLACES[0]!).file]
    const answers = new Set<string>()
    for (const token of tokens) {
      for (const [method, path] of [
        ['GET', 'download'],
        ['PUT', 'upload'],
        ['HEAD', 'upload'],
        ['GET', `d/${encodeURIComponent(token)}`],
      ] as const) {
        const headers = { authorization: `Bearer ${token}` }
        const response = await fetch(`${pool.server}/files/${path}`, { method, headers })
        expect(response.status).toBe(404)
        answers.add(method === 'HEAD' ? '' : await response.text())
      }
    }
    expect([...answers].filter((text) => text !== '')).toHaveLength(1)
  })
})

/** The reply to one request, without the request's number and the requested name. */
async function words<T extends ClientMessage['t']>(door: WebSocketDoor, t: T, room: RoomOnTrial): Promise<string[]> {
  const before = door.heard.length
  await door.ask({ t, ...MESSAGES[t](room) } as never)
  return door.heard.slice(before).map((text) => text.replace(/"re":\d+/, '"re":0'))
}

function expectNothingFromBehind(heard: string): void {
  for (const place of PLACES) {
    expect(heard).not.toContain(`"${place.name}"`)
    expect(heard).not.toContain(pool.room(place).file)
  }
  for (const secret of ['seed 1', 'seed.txt', '"Wall"', '"Quiet"', 'seeder@']) expect(heard).not.toContain(secret)
}

async function signIn(person: MatrixPerson): Promise<string> {
  const response = await fetch(`${pool.server}/admin/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: person.name, password: pool.key(person) }),
  })
  return ((await response.json()) as { token: string }).token
}

async function call(name: AdminRouteName, token: string, room: RoomOnTrial): Promise<Response> {
  const { method, path } = ADMIN_ROUTES[name]
  const parts = Object.fromEntries([...path.matchAll(/:([A-Za-z]+)/g)].map(([, part]) => [part!, room.uri]))
  const url = new URL(`${pool.server}${adminPath(name, parts)}`)
  if (name === 'eligiblePrincipals') url.searchParams.set('room', room.uri)
  const body = BODIES[name]?.(room)
  return fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
}

/** Bodies with which these routes would make a change if access were granted. */
const BODIES: { readonly [N in AdminRouteName]?: (room: RoomOnTrial) => object } = {
  changeRoom: () => ({ topic: 'mine' }),
  changeRoomRoles: () => ({ members: { add: ['sip:outsider@names.example'] } }),
  moveRoom: () => ({ category: 'Other' }),
  clearRoom: () => ({ through: 1 }),
  removeChats: () => ({ filter: { words: 'seed' } }),
  replaceChats: () => ({ filter: { words: 'seed' }, replacement: 'x' }),
  createRoom: ({ otherCategory }) => ({ name: 'mine', category: otherCategory }),
  addRooms: ({ name }) => ({ rooms: [{ name, members: ['outsider'] }] }),
  addUsers: () => ({ users: [{ account: 'friend', roles: ['administrator'] }] }),
  changeUser: () => ({ roles: { add: ['administrator'] } }),
}

async function answerOf(response: Response): Promise<{ status: number; text: string }> {
  return { status: response.status, text: await response.text() }
}
