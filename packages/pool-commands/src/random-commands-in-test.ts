import fc from 'fast-check'
import type { CommandActor } from './context.ts'
import type { Result } from './index.ts'
import { DOMAIN, EVERYBODY, grp, must, POOL, type PoolInTest, type ServiceInTest, sip } from './pool-in-test.ts'

/** One step: a command with its input, or a fact. Plain data, so that a counterexample can be read. */
export type Step = { readonly by: string; readonly does: string; readonly input: Readonly<Record<string, unknown>> }

/** The users. Only `admin` administers from the start; `partner` is of another domain. */
export const PEOPLE = ['admin', 'ann', 'bob', 'cat', 'dan', 'partner'] as const
const OTHER_DOMAIN = 'partner.example'
const uriOf = (account: string) => sip(account, account === 'partner' ? OTHER_DOMAIN : DOMAIN)

export async function addPeople(pool: PoolInTest): Promise<void> {
  await pool.addUser('admin', { roles: ['administrator', 'operator'] })
  for (const account of ['ann', 'bob', 'cat', 'dan']) await pool.addUser(account)
  await pool.addUser('partner', { domain: OTHER_DOMAIN })
}

/** Creates users and some of every kind of subject, so that most random steps refer to something that exists. */
export async function furnish(pool: PoolInTest): Promise<void> {
  const { commands } = pool
  await addPeople(pool)
  for (const name of ['g0', 'g1', 'g2']) must(await commands.createGroup(POOL, { name }))
  must(await commands.createAddIn(POOL, { name: 'a0', url: 'https://a.example/' }))
  must(await commands.createPolicy(POOL, { identity: 'p0', enabled: true }))
  const allowed = [EVERYBODY, `ma-grp:*@${OTHER_DOMAIN}`]
  must(await commands.createCategory(POOL, { name: 'c0', allowed }))
  must(await commands.changeGroup(POOL, { group: 'g0', members: { add: [grp('g1'), sip('ann')] } }))
  for (const [name, category] of [
    ['r0', 'General'],
    ['r1', 'c0'],
    ['r2', 'c0'],
  ] as const) {
    must(await commands.createRoom(POOL, { name, category, members: [sip('bob'), grp('g0')], managers: [sip('cat')] }))
  }
}

/** Deletes every existing subject of the steps, so that each final state is recorded. */
export async function clearOut({ commands, db }: PoolInTest): Promise<void> {
  // By URI: two rooms may have one name.
  const rooms: { uri: string }[] = await db.knex('room').whereNotNull('category_id').select('uri')
  for (const { uri } of rooms) await commands.deleteRoom(POOL, { room: uri })
  for (const n of [0, 1, 2, 3]) {
    await commands.deleteAddIn(POOL, { addIn: `a${n}` })
    await commands.deletePolicy(POOL, { policy: `p${n}` })
  }
  for (const n of [0, 1]) await commands.deleteCategory(POOL, { category: `c${n}` })
  for (const n of [0, 1, 2, 3]) await commands.deleteGroup(POOL, { group: `g${n}` })
}

const numbered = (prefix: string, count: number) =>
  fc.constantFrom(...Array.from({ length: count }, (_, index) => `${prefix}${index}`))
const room = numbered('r', 4)
const category = fc.oneof(fc.constant('General'), numbered('c', 2))
const group = numbered('g', 4)
const addIn = numbered('a', 2)
const policy = numbered('p', 2)
const person = fc.constantFrom(...PEOPLE)
const word = fc.constantFrom('beans', 'frost', 'Sell now', '"<>&\u202e', 'ß', '')
const flag = fc.boolean()
const principal = fc.oneof(
  { weight: 4, arbitrary: person.map(uriOf) },
  { weight: 2, arbitrary: group.map(grp) },
  fc.constantFrom(EVERYBODY, `ma-grp:*@${OTHER_DOMAIN}`),
)
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength = 3) => fc.array(arbitrary, { maxLength })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const listChange = fc.oneof(
  fc.record({ add: some(principal) }),
  fc.record({ remove: some(principal) }),
  fc.record({ add: some(principal), remove: some(principal) }),
  fc.record({ set: some(principal) }),
)
const properties = {
  description: maybe(word),
  topic: maybe(word),
  type: maybe(fc.constantFrom('normal', 'auditorium')),
  privacy: maybe(fc.constantFrom('open', 'closed', 'secret')),
  invitations: maybe(fc.constantFrom('inherit', 'off')),
  addIn: maybe(fc.option(addIn)),
}
const switches = {
  description: maybe(word),
  invitations: maybe(flag),
  fileUpload: maybe(flag),
  chatHistory: maybe(flag),
}
const chat = fc.integer({ min: 1, max: 5 })
const text = fc.constantFrom('new words', 'beans', '\u0000\ud800')

const step = (does: string, input: Record<string, fc.Arbitrary<unknown>>, weight = 1, by = person) => ({
  weight,
  arbitrary: fc.record({ by, does: fc.constant(does), input: fc.record(input) }) as fc.Arbitrary<Step>,
})
const admin = fc.oneof({ weight: 6, arbitrary: fc.constant('admin' as const) }, person) as fc.Arbitrary<
  (typeof PEOPLE)[number]
>

const ROOM_STEPS = [
  step(
    'createRoom',
    {
      ...{ name: room, category, ...properties, disabled: maybe(flag), ifAbsent: maybe(flag) },
      ...{ members: maybe(some(principal)), managers: maybe(some(principal)), presenters: maybe(some(principal)) },
    },
    6,
    admin,
  ),
  step(
    'changeRoom',
    {
      ...{ room, ...properties, name: maybe(room), category: maybe(category), dryRun: maybe(flag) },
      roles: maybe(
        fc.record({ members: maybe(listChange), managers: maybe(listChange), presenters: maybe(listChange) }),
      ),
    },
    6,
    admin,
  ),
  step('changeRoles', { room, role: fc.constantFrom('member', 'manager', 'presenter'), change: listChange }, 8, admin),
  step(
    'changeAllRoles',
    { room, roles: fc.record({ members: maybe(listChange), presenters: maybe(listChange) }) },
    3,
    admin,
  ),
  step('disableRoom', { room }, 1, admin),
  step('enableRoom', { room }, 2, admin),
  step('deleteRoom', { room }, 1, admin),
]
const WALL_STEPS = [
  step(
    'createCategory',
    { name: category, ...switches, allowed: maybe(some(principal)), denied: maybe(some(principal)) },
    3,
    admin,
  ),
  step(
    'changeCategory',
    {
      ...{ category, ...switches, name: maybe(category) },
      ...{ allowed: maybe(listChange), denied: maybe(listChange), creators: maybe(listChange) },
    },
    6,
    admin,
  ),
  step('deleteCategory', { category }, 1, admin),
  step('createGroup', { name: group, members: maybe(some(principal)) }, 4, admin),
  step('changeGroup', { group, displayName: maybe(word), members: maybe(listChange) }, 6, admin),
  step('deleteGroup', { group }, 2, admin),
]
const OTHER_STEPS = [
  step('createAddIn', { name: addIn, url: fc.constantFrom('https://a.example/', 'ftp://no') }, 2, admin),
  step('changeAddIn', { addIn, name: maybe(addIn), url: maybe(fc.constant('https://b.example/')) }, 2, admin),
  step('deleteAddIn', { addIn }, 1, admin),
  step('createPolicy', { identity: policy, enabled: flag }, 1, admin),
  step('changePolicy', { policy, description: maybe(word), enabled: maybe(flag) }, 1, admin),
  step('deletePolicy', { policy }, 1, admin),
  step('grantPolicy', { users: some(person), policy: fc.option(policy) }, 2, admin),
  step('createEndpoint', { uri: fc.constantFrom('sip:x@a.example', 'nonsense'), displayName: maybe(word) }, 1, admin),
  step('deleteEndpoint', { endpoint: fc.constant('sip:x@a.example') }, 1, admin),
  step(
    'changeConfiguration',
    {
      identity: fc.constantFrom('global', 'site:one', 'nonsense'),
      settings: fc.record({
        searchLimit: maybe(fc.option(fc.integer({ min: -1, max: 1_000 }))),
        managersMayEditChats: maybe(flag),
      }),
      mustBeNew: flag,
    },
    2,
    admin,
  ),
  step('deleteConfiguration', { identity: fc.constantFrom('global', 'site:one') }, 1, admin),
  step('setPoolState', { pool: fc.constant('test'), state: fc.constantFrom('normal', 'failed-over') }, 1, admin),
  step('setActiveServers', { pool: fc.constant('test'), names: some(fc.constantFrom('x', 'y', 'z')) }, 1, admin),
]
const PEOPLE_STEPS = [
  step(
    'changeUser',
    {
      ...{ user: person, displayName: maybe(word), email: maybe(fc.option(word)), internal: maybe(flag) },
      ...{ disabled: maybe(flag), policy: maybe(fc.option(policy)) },
      roles: maybe(fc.uniqueArray(fc.constantFrom('administrator', 'auditor', 'officer', 'operator'))),
    },
    3,
    admin,
  ),
  step('addUsers', { accounts: some(fc.constantFrom('eve', 'fay', 'ann')) }, 1, admin),
  step('setSecret', { user: person }, 1, admin),
]
const CHAT_STEPS = [
  step('post', { room, text: word, title: maybe(word) }, 8),
  step('join', { room, session: fc.constantFrom('s1', 's2', 's3') }, 4),
  step('part', { room, session: fc.constantFrom('s1', 's2', 's3') }, 3),
  step('replaceChat', { room, chat, text, title: maybe(word) }, 4, admin),
  step('deleteChat', { room, chat }, 2, admin),
  step('clearRoom', { room, through: fc.constantFrom(0, Number.MAX_SAFE_INTEGER), dryRun: flag }, 1, admin),
  step(
    'purgeChats',
    {
      room,
      filter: fc.record({
        words: maybe(word),
        match: fc.constantFrom('any', 'all', 'phrase'),
        authors: maybe(some(person)),
      }),
      replacement: maybe(text),
      dryRun: maybe(flag),
    },
    2,
    admin,
  ),
]

/** Steps that change rights by changing rooms, categories and groups. */
export const wallSteps: fc.Arbitrary<Step> = fc.oneof(...ROOM_STEPS, ...WALL_STEPS)
export const allSteps: fc.Arbitrary<Step> = fc.oneof(
  ...ROOM_STEPS,
  ...WALL_STEPS,
  ...OTHER_STEPS,
  ...PEOPLE_STEPS,
  ...CHAT_STEPS,
)

/** Runs a step. Returns the refusal, `done`, or undefined for a fact without a principal or room. */
export async function take(
  pool: PoolInTest,
  service: ServiceInTest,
  { by, does, input }: Step,
  at = 0,
): Promise<string | undefined> {
  const who = await pool.principal(by)
  if (does === 'post' || does === 'join' || does === 'part') {
    const found = await pool.room(input['room'] as string)
    if (!found) return undefined
    const common = { roomId: found.id, principal: who, rights: found.rights }
    const session = { session: input['session'] as string }
    if (does === 'post') {
      const { text: said, title } = input as { text: string; title?: string }
      const titled = title === undefined ? {} : { title }
      await service.record({ kind: 'chat', ...common, post: `${by} ${at}`, text: said, again: false, ...titled })
    } else if (does === 'join') await service.record({ kind: 'join', ...common, ...session })
    else await service.record({ kind: 'part', ...common, ...session, reason: 'left' })
    return undefined
  }
  const commands = service.commands as unknown as Record<
    string,
    (by: CommandActor, input: object) => Promise<Result<unknown>>
  >
  const result = await commands[does]!(who, inputOf(does, input))
  return result.ok ? 'done' : result.refusal
}

function inputOf(does: string, input: Readonly<Record<string, unknown>>): object {
  if (does === 'setActiveServers') return { pool: input['pool'], change: () => input['names'] }
  if (does === 'setSecret') return { ...input, secret: 'key$another' }
  if (does !== 'addUsers') return input
  const users = (input['accounts'] as string[]).map((account) => ({
    account,
    domain: DOMAIN,
    displayName: account,
    secret: 'key$secret',
  }))
  return { users }
}
