import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import type { Result } from './index.ts'
import { EVERYBODY, must, openPlace, type PlaceInTest, type PoolInTest, sip } from './pool-in-test.ts'

const TEXTS = [
  ...['', ' ', 'a\u0000b', '\ud800', '\u202edesk', 'x'.repeat(300), 'x'.repeat(300_000)],
  ...["'; drop table room; --", '%', '$1', '?', ':name', '\\', '{}', 'null', '-1', '__proto__', 'constructor'],
  ...['sip:', 'sip:a@b@c', 'ma-grp:*@', 'ma-grp:%ZZ@example.com', `ma-grp:*@${'a'.repeat(300)}`, EVERYBODY],
  ...['ma-chan://example.com/\u0000', 'ma-cat://', 'site:\ud800', 'service:\u0000', 'http://x/\u0000'],
]
const NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, 2 ** 63, -(2 ** 63), 1e308]

/** Every command, with a hostile text in each text parameter. */
function asked(text: string): [string, object][] {
  const list = { add: [text], remove: [text] }
  const lists = { members: [text], managers: [text], presenters: [text] }
  const user = { account: text, domain: 'example.com', displayName: 'x', secret: 's' }
  return [
    ['createRoom', { name: text, category: 'General' }],
    ['createRoom', { name: text, category: text, ifAbsent: true }],
    ['createRoom', { name: `in ${text.length}`, category: text }],
    ['createRoom', { name: 'x', category: 'General', description: text, topic: text }],
    ['createRoom', { name: 'x', category: 'General', addIn: text }],
    ['createRoom', { name: 'x', category: 'General', type: 'auditorium', ...lists }],
    ['changeRoom', { room: text, name: 'y' }],
    ['changeRoom', { room: 'desk', topic: text, description: text }],
    ['changeRoom', { room: 'desk', addIn: text }],
    ['changeRoom', { room: 'desk', category: text }],
    ['changeRoles', { room: text, role: 'member', change: list }],
    ['changeRoles', { room: 'desk', role: 'member', change: list }],
    ['changeRoles', { room: 'desk', role: 'manager', change: { remove: [text] } }],
    ['changeAllRoles', { room: 'desk', roles: { members: { set: [text] } } }],
    ...['disableRoom', 'enableRoom', 'deleteRoom'].map((does): [string, object] => [does, { room: text }]),
    ['replaceChat', { room: text, chat: 1, text: 'x' }],
    ['replaceChat', { room: 'desk', chat: 1, text }],
    ['replaceChat', { room: 'desk', chat: 1, text: 'x', title: text }],
    ['deleteChat', { room: text, chat: 1 }],
    ['clearRoom', { room: text, through: 1 }],
    ['purgeChats', { room: 'desk', filter: { words: text }, dryRun: true }],
    ['purgeChats', { room: 'desk', filter: { words: text, match: 'phrase', caseSensitive: true } }],
    ['purgeChats', { room: 'desk', filter: { authors: [text] }, replacement: text }],
    ['createCategory', { name: text }],
    ['createCategory', { name: 'c', description: text }],
    ['createCategory', { name: 'c', allowed: [text] }],
    ['changeCategory', { category: text, invitations: true }],
    ['changeCategory', { category: 'Walls', name: text }],
    ['changeCategory', { category: 'Walls', description: text }],
    ['changeCategory', { category: 'Walls', allowed: list, denied: list, creators: list }],
    ['deleteCategory', { category: text }],
    ['addUsers', { users: [user] }],
    ['addUsers', { users: [{ ...user, account: 'hugo', displayName: text, email: text }] }],
    ['addUsers', { users: [{ ...user, account: 'ina', domain: text }] }],
    ['changeUser', { user: text, displayName: 'x' }],
    ['changeUser', { user: 'ann', displayName: text }],
    ['changeUser', { user: 'ann', email: text }],
    ['changeUser', { user: 'ann', policy: text }],
    ['setSecret', { user: text, secret: 's' }],
    ['signOutEverywhere', { user: text }],
    ['createGroup', { name: text }],
    ['createGroup', { name: 'g', displayName: text, email: text }],
    ['createGroup', { name: 'h', members: [text] }],
    ['changeGroup', { group: text, displayName: 'x' }],
    ['changeGroup', { group: 'traders', displayName: text }],
    ['changeGroup', { group: 'traders', members: list }],
    ['deleteGroup', { group: text }],
    ['createAddIn', { name: text, url: 'https://a.example/' }],
    ['createAddIn', { name: 'a', url: text }],
    ['changeAddIn', { addIn: text, url: 'https://a.example/' }],
    ['changeAddIn', { addIn: 'board', url: text }],
    ['deleteAddIn', { addIn: text }],
    ['createPolicy', { identity: text, enabled: true }],
    ['createPolicy', { identity: 'p', description: text, enabled: true }],
    ['changePolicy', { policy: text, enabled: true }],
    ['deletePolicy', { policy: text }],
    ['grantPolicy', { users: [text], policy: null }],
    ['grantPolicy', { users: ['ann'], policy: text }],
    ['createEndpoint', { uri: text }],
    ['createEndpoint', { uri: `sip:${text}@example.com` }],
    ['createEndpoint', { uri: 'sip:e@example.com', displayName: text }],
    ['deleteEndpoint', { endpoint: text }],
    ['changeConfiguration', { identity: text, settings: {} }],
    ['changeConfiguration', { identity: 'global', settings: JSON.parse(`{${JSON.stringify(text)}:1}`) }],
    ['changeConfiguration', { identity: 'global', settings: { roomManagementUrl: text } }],
    ['changeConfiguration', { identity: 'global', settings: { searchLimit: text } }],
    ['deleteConfiguration', { identity: text }],
    ['setActiveServers', { pool: 'test', change: () => [text] }],
  ]
}
/** Commands that record a change made elsewhere, and do not check its actor again. */
const reported = (text: string): [string, object][] => [
  ['tellComplianceConfiguration', { identity: text, before: undefined, after: { adapterName: text } }],
  ['tellComplianceConfiguration', { identity: 'global', before: { customConfiguration: text }, after: { x: text } }],
]

function askedOfNumber(number: number): [string, object][] {
  return [
    ['replaceChat', { room: 'desk', chat: number, text: 'x' }],
    ['deleteChat', { room: 'desk', chat: number }],
    ['clearRoom', { room: 'desk', through: number, dryRun: true }],
    ['purgeChats', { room: 'desk', filter: { from: number, to: number }, dryRun: true }],
    ['changeConfiguration', { identity: 'global', settings: { searchLimit: number, maxFileSizeKb: number } }],
  ]
}

export const hostileInput = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('any input from an entry point, on %s,', (dialect) => {
    let place: PlaceInTest
    let pool: PoolInTest
    let admin: CommandActor
    beforeAll(async () => {
      place = await openPlace(dialect)
      pool = await place.open()
      admin = await pool.addUser('admin', { roles: ['administrator', 'operator'] })
      await pool.addUser('ann')
      must(await pool.commands.createCategory(admin, { name: 'Walls' }))
      must(await pool.commands.createGroup(admin, { name: 'traders', members: [sip('ann')] }))
      must(await pool.commands.createAddIn(admin, { name: 'board', url: 'https://a.example/' }))
      must(await pool.commands.createRoom(admin, { name: 'desk', category: 'General', members: [EVERYBODY] }))
      await pool.post('ann', 'desk', 'beans')
    })
    afterAll(async () => {
      await pool?.close()
      await place?.close()
    })

    type Command = (by: CommandActor, input: object) => Promise<Result<unknown>>
    const answers = async (by: CommandActor, all: readonly [string, object][]) => {
      const commands = pool.commands as unknown as Record<string, Command>
      const broken: unknown[] = []
      let refused = 0
      for (const [does, input] of all) {
        try {
          const result = await commands[does]!(by, input)
          if (result.ok) continue
          refused += 1
          if (result.message.length > 1_000) broken.push([does, 'says too much', result.message.length])
        } catch (error) {
          const { message } = error as Error
          broken.push([does, JSON.stringify(input).slice(0, 120), message.slice(-160)])
        }
      }
      expect(broken).toEqual([])
      return refused
    }

    it('is accepted or refused with a short message, and breaks nothing', async () => {
      const all = TEXTS.flatMap((text) => [...asked(text), ...reported(text)])
      const takesText = (name: string) => !['preparePool', 'setPoolState', 'changeOwnSecret'].includes(name)
      const tried = new Set(all.map(([does]) => does))
      expect(Object.keys(pool.commands).filter((name) => takesText(name) && !tried.has(name))).toEqual([])
      expect(await answers(admin, all)).toBeGreaterThan(all.length / 2)
      expect(await answers(admin, NUMBERS.flatMap(askedOfNumber))).toBeGreaterThan(NUMBERS.length)
      expect(await pool.room('desk')).toBeDefined()
    })

    it('is refused from a caller without a role, and its text reaches no table', async () => {
      const before = await pool.db.knex('outbox').count({ count: '*' })
      const nobody = await pool.addUser('nobody')
      const [users] = await Promise.all([pool.db.knex('principal').count({ count: '*' })])
      const all = [...TEXTS.flatMap(asked), ...NUMBERS.flatMap(askedOfNumber)]
      expect(await answers(nobody, all)).toBe(all.length)
      expect(await pool.db.knex('principal').count({ count: '*' })).toEqual(users)
      expect(Number((await pool.db.knex('outbox').count({ count: '*' }))[0]!['count'])).toBe(
        Number(before[0]!['count']) + 1,
      )
    })
  })
