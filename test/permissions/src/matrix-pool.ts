import type { AdminRequestOf } from '@hansard/admin-contract'
import { type Admin, OPERATOR_PASSWORD, openAdmin, startStandardPool } from '@hansard/test-pool'
import { type MatrixPerson, type MatrixPlace, PEOPLE, PLACES } from './situations.ts'
import { openWebSocketDoor, type RoomOnTrial, type WebSocketDoor } from './websocket-door.ts'

/** A running pool that contains every user and room of the matrix. */
export type MatrixPool = AsyncDisposable & {
  readonly server: string
  readonly operator: Admin
  /** key of a user of the matrix: the password for the command line and the admin API */
  key(person: MatrixPerson): string
  door(person: MatrixPerson): Promise<WebSocketDoor>
  room(place: MatrixPlace): RoomOnTrial
  /** Restores a room to its state in the matrix, after a change that was permitted. */
  restore(place: MatrixPlace): Promise<void>
  /** A room like the one of the place, with the same principals, to be deleted. */
  clone(place: MatrixPlace): Promise<RoomOnTrial>
  setManagersMayEditChats(may: boolean): Promise<void>
}

const DOMAINS = { name: 'names.example', group: 'groups.example', domain: 'wall.example' } as const
const SEEDER = 'seeder'
const BYSTANDER = 'bystander'

const domainOf = (person: MatrixPerson) => (person.inScope ? DOMAINS[person.by] : 'names.example')
const uriOf = (person: MatrixPerson) => `sip:${person.name}@${domainOf(person)}`
const seederUri = `sip:${SEEDER}@names.example`
const bystanderUri = `sip:${BYSTANDER}@names.example`

/** `seeds`: chats in each room. Every attempt to replace or delete a chat takes one. */
export async function startMatrixPool({ seeds = 10 }: { seeds?: number } = {}): Promise<MatrixPool> {
  const pool = await startStandardPool()
  try {
    return await prepare(pool, seeds)
  } catch (error) {
    await pool[Symbol.asyncDispose]()
    throw error
  }
}

async function prepare(pool: Awaited<ReturnType<typeof startStandardPool>>, seeds: number): Promise<MatrixPool> {
  const operator = await openAdmin(pool.server, OPERATOR_PASSWORD)
  const keys = await addPeople(operator)
  await operator.ask('addGroup', { name: 'Inner', members: PEOPLE.filter((p) => p.by === 'group').map(uriOf) })
  await operator.ask('addGroup', { name: 'Outer', members: ['ma-grp:Inner@localhost'] })
  for (const name of ['Wall', 'Other', 'Quiet']) await operator.ask('addCategory', category(name))

  const doors = new Map<string, Promise<WebSocketDoor>>()
  const doorOf = (account: string) => {
    const door = doors.get(account) ?? open(pool.server, account, keys.get(account)!)
    doors.set(account, door)
    return door
  }
  const seeder = await doorOf(SEEDER)
  const rooms = new Map<string, RoomOnTrial>()
  for (const place of PLACES) {
    rooms.set(place.name, await makeRoom(operator, place, place.name, { seeder, seeds }))
  }
  // The rooms and their content exist; now the walls go up.
  for (const name of ['Wall', 'Other', 'Quiet']) await operator.ask('changeCategory', wall(name), { category: name })

  let clones = 0
  return {
    server: pool.server,
    operator,
    key: (person) => keys.get(person.name)!,
    door: (person) => doorOf(person.name),
    room: (place) => rooms.get(place.name)!,
    async restore(place) {
      const parts = { room: rooms.get(place.name)!.uri }
      const { category, disabled } = await operator.ask('showRoom', undefined as never, parts)
      if (category !== categoryOf(place)) await operator.ask('moveRoom', { category: categoryOf(place) }, parts)
      if (disabled !== place.disabled) {
        await operator.ask(place.disabled ? 'disableRoom' : 'enableRoom', undefined as never, parts)
      }
    },
    clone: (place) => makeRoom(operator, place, `clone ${++clones}`),
    async setManagersMayEditChats(may) {
      const body = { managersMayEditChats: may }
      const known = (await operator.ask('listConfigurations')).configurations.some(
        ({ identity }) => identity === 'global',
      )
      const parts = { identity: 'global' }
      if (known) await operator.ask('changeConfiguration', body, parts)
      else await operator.ask('addConfiguration', body, parts)
    },
    async [Symbol.asyncDispose]() {
      for (const door of doors.values()) await (await door)[Symbol.asyncDispose]()
      await pool[Symbol.asyncDispose]()
    },
  }
}

async function addPeople(operator: Admin): Promise<Map<string, string>> {
  const people = PEOPLE.map((person) => ({
    account: person.name,
    domain: domainOf(person),
    generateKey: true,
    roles: person.administrator ? ['administrator' as const] : [],
  }))
  const extras = [SEEDER, BYSTANDER].map((account) => ({
    account,
    domain: 'names.example',
    generateKey: true,
    roles: [],
  }))
  const { users } = await operator.ask('addUsers', { users: [...people, ...extras] })
  return new Map(users.map(({ account, key }) => [account, key!]))
}

/** First everybody on a list of a room is allowed: otherwise they could not be added to it. */
function category(name: string): AdminRequestOf<'addCategory'> {
  const named = PEOPLE.filter((person) => person.by === 'name' && (person.inScope || person.roles.length > 0))
  return {
    name,
    fileUpload: true,
    chatHistory: true,
    allowed: ['ma-grp:*@wall.example', 'ma-grp:Outer@localhost', ...named.map(uriOf), seederUri, bystanderUri],
    creators: PEOPLE.filter((person) => person.creator).map(uriOf),
  }
}

function wall(name: string): AdminRequestOf<'changeCategory'> {
  return {
    allowed: { remove: PEOPLE.filter((p) => !p.inScope && !p.denied && p.roles.length > 0).map(uriOf) },
    denied: { add: PEOPLE.filter((person) => person.denied).map(uriOf) },
    ...(name === 'Quiet' ? { fileUpload: false, chatHistory: false } : {}),
  }
}

const categoryOf = (place: MatrixPlace) => (place.switches ? 'Wall' : 'Quiet')

async function makeRoom(
  operator: Admin,
  place: MatrixPlace,
  name: string,
  { seeder, seeds = 0 }: { seeder?: WebSocketDoor; seeds?: number } = {},
): Promise<RoomOnTrial> {
  const listed = (role: 'member' | 'manager' | 'presenter') =>
    PEOPLE.filter((person) => person.roles.includes(role) && (person.inScope || seeder)).map((person) =>
      person.by === 'group' ? 'ma-grp:Outer@localhost' : uriOf(person),
    )
  const { uri } = await operator.ask('createRoom', {
    name,
    category: categoryOf(place),
    privacy: place.privacy,
    type: place.type,
    members: [...listed('member'), seederUri],
    managers: listed('manager'),
    ...(place.type === 'auditorium' ? { presenters: [...listed('presenter'), seederUri] } : {}),
  })
  const file = seeder ? await seed(seeder, uri, seeds) : 'none'
  if (place.disabled) await operator.ask('disableRoom', undefined as never, { room: uri })
  let chat = 0
  const nextChat = () => {
    chat += 1
    if (chat > seeds) throw new Error(`${name} has no more chats to try.`)
    return chat
  }
  return { uri, name, nextChat, file, otherCategory: 'Other', bystander: bystanderUri }
}

/** Creates chats to replace, delete and search for, and a file. */
async function seed(seeder: WebSocketDoor, room: string, seeds: number): Promise<string> {
  const joined = await seeder.ask({ t: 'join', room })
  if (joined.t !== 'joined') throw new Error(`The seeder may not join ${room}: ${JSON.stringify(joined)}`)
  for (let n = 1; n <= seeds; n++) await seeder.ask({ t: 'post', room, post: `seed-${n}`, text: `seed ${n}` })
  const token = await seeder.ask({ t: 'upload-token', room, fileName: 'seed.txt', size: 4 })
  if (token.t !== 'file-token') throw new Error(`No token for ${room}: ${JSON.stringify(token)}`)
  const headers = { authorization: `Bearer ${token.token}` }
  const uploaded = await fetch(token.url, { method: 'PUT', headers, body: 'seed' })
  if (!uploaded.ok) throw new Error(`The upload to ${room} failed: ${uploaded.status} ${await uploaded.text()}`)
  await seeder.ask({ t: 'part', room })
  return token.file
}

async function open(server: string, account: string, key: string): Promise<WebSocketDoor> {
  const response = await fetch(`${server}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account, password: key }),
  })
  if (!response.ok) throw new Error(`${account} cannot sign in: ${response.status} ${await response.text()}`)
  const { token, endpoint } = (await response.json()) as { token: string; endpoint: string }
  return openWebSocketDoor(endpoint, token)
}
