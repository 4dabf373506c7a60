import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import { type PoolCommands, poolActor } from './index.ts'
import {
  DOMAIN,
  EVERYBODY,
  must,
  openPlace,
  type PlaceInTest,
  POOL,
  type PoolInTest,
  refusal,
  sip,
} from './pool-in-test.ts'
import { stateByEvents, stateByTables } from './state-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let commands: PoolCommands
  let admin: CommandActor
  let ann: CommandActor
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    commands = pool.commands
    admin = await pool.addUser('admin', { roles: ['administrator', 'operator'] })
    ann = await pool.addUser('ann')
    await pool.addUser('bob')
    await pool.changes()
  })
  afterAll(async () => {
    const events = await pool.events()
    expect(JSON.stringify(events)).not.toContain('key$')
    expect(stateByEvents(events)).toEqual(await stateByTables(pool.db))
    await pool?.close()
    await place?.close()
  })
  const newUser = (account: string, more: object = {}) => ({
    ...{ account, domain: DOMAIN, displayName: account, secret: 'key$secret' },
    ...more,
  })

  it('every command except those on rooms, chats and pool state requires an administrator', async () => {
    const answers = [
      await commands.addUsers(ann, { users: [newUser('no')] }),
      await commands.changeUser(ann, { user: 'ann', roles: ['administrator'] }),
      await commands.setSecret(ann, { user: 'admin', secret: 'key$mine' }),
      await commands.createAddIn(ann, { name: 'no', url: 'https://no.example' }),
      await commands.changeAddIn(ann, { addIn: 'no' }),
      await commands.deleteAddIn(ann, { addIn: 'no' }),
      await commands.createPolicy(ann, { identity: 'no', enabled: true }),
      await commands.changePolicy(ann, { policy: 'no' }),
      await commands.deletePolicy(ann, { policy: 'no' }),
      await commands.grantPolicy(ann, { users: ['ann'], policy: null }),
      await commands.createEndpoint(ann, { uri: 'sip:x@no.example' }),
      await commands.deleteEndpoint(ann, { endpoint: 'sip:x@no.example' }),
      await commands.changeConfiguration(ann, { identity: 'global', settings: {} }),
      await commands.deleteConfiguration(ann, { identity: 'global' }),
      await commands.setPoolState(ann, { pool: 'test', state: 'failed-over' }),
      await commands.setActiveServers(ann, { pool: 'test', change: () => ['x'] }),
    ]
    expect(new Set(answers.map(refusal))).toEqual(new Set(['not-an-administrator']))
    expect(await pool.changes()).toEqual([])
  })

  describe('accounts', () => {
    it('are added where they do not exist yet, each once, without their secrets', async () => {
      const users = [newUser('eve', { roles: ['auditor'], email: 'e@x' }), newUser('eve'), newUser('ann')]
      expect([...must(await commands.addUsers(admin, { users })).created]).toEqual(['eve'])
      const [event, ...more] = await pool.changes()
      expect(more).toEqual([])
      const said = {
        displayName: 'eve',
        email: 'e@x',
        internal: true,
        domain: DOMAIN,
        disabled: false,
        roles: ['auditor'],
      }
      expect(event).toMatchObject({ action: 'created', subject: { type: 'user', uri: sip('eve') }, after: said })
      expect(Object.keys(event!.after)).toEqual(Object.keys(said))
      expect((await pool.principal('eve')).roles).toEqual(['auditor'])
    })

    it('have names and addresses that can be stored', async () => {
      const bad = [
        newUser(''),
        newUser('ma-grp:x'),
        newUser('fay', { displayName: '\u0000' }),
        newUser('fay', { email: '\ud800' }),
        newUser('fay', { domain: 'not a domain' }),
      ]
      for (const user of bad) {
        expect(refusal(await commands.addUsers(admin, { users: [newUser('fay'), user] }))).toBe('invalid')
      }
      expect(await pool.changes()).toEqual([])
      expect(refusal(await commands.changeUser(admin, { user: 'ann', displayName: '\u0000' }))).toBe('invalid')
      for (const user of ['nobody', '\u0000', '\ud800', EVERYBODY]) {
        expect(refusal(await commands.changeUser(admin, { user }))).toBe('no-such-principal')
        expect(refusal(await commands.setSecret(admin, { user, secret: 'key$x' }))).toBe('no-such-principal')
      }
      expect(refusal(await commands.changeUser(admin, { user: 'ann', policy: 'none' }))).toBe('no-such-policy')
    })

    it('are changed, recorded as a difference; a disabled user loses the tokens it holds', async () => {
      const { credentialVersion } = await pool.principal('ann')
      const changes = { displayName: 'Ann A.', disabled: true, roles: ['officer', 'auditor'] as const }
      must(await commands.changeUser(admin, { user: sip('ann'), ...changes }))
      expect(await pool.changes()).toMatchObject([
        {
          subject: { uri: sip('ann'), name: 'Ann A.' },
          before: { displayName: 'ann', disabled: false },
          after: { displayName: 'Ann A.', disabled: true, roles: ['officer', 'auditor'] },
        },
      ])
      expect((await pool.principal('ann')).credentialVersion).toBe(credentialVersion + 1)
      must(await commands.changeUser(admin, { user: 'ann', ...changes }))
      expect(await pool.changes()).toEqual([])
      must(await commands.changeUser(admin, { user: 'ann', disabled: false, roles: [] }))
      must(await commands.setSecret(admin, { user: 'ann', secret: 'key$another' }))
      expect((await pool.changes()).at(-1)).toMatchObject({ before: {}, after: { secret: 'replaced' } })
    })

    it('always include an administrator', async () => {
      for (const changes of [{ roles: ['operator'] as const }, { disabled: true }]) {
        expect(refusal(await commands.changeUser(admin, { user: 'admin', ...changes }))).toBe('conflict')
      }
      must(await commands.changeUser(admin, { user: 'bob', roles: ['administrator'] }))
      const bob = await pool.principal('bob')
      must(await commands.changeUser(admin, { user: 'admin', roles: ['operator'] }))
      expect(refusal(await commands.changeUser(bob, { user: 'bob', disabled: true }))).toBe('conflict')
      // The entry point still believes in a role that has been revoked.
      expect(refusal(await commands.changeUser(admin, { user: 'bob', roles: [] }))).toBe('not-an-administrator')
      must(await commands.changeUser(bob, { user: 'admin', roles: ['administrator', 'operator'] }))
      must(await commands.changeUser(admin, { user: 'bob', roles: [] }))
      // A user who was never an administrator may always be disabled.
      must(await commands.changeUser(poolActor(DOMAIN), { user: 'ann', disabled: true }))
      must(await commands.changeUser(POOL, { user: 'ann', disabled: false }))
    })
  })

  it('an add-in is a web page with a unique name; rooms are updated when it is renamed or deleted', async () => {
    must(await commands.createAddIn(admin, { name: 'Prices', url: 'https://prices.example/' }))
    for (const url of ['ftp://x', 'javascript:alert(1)', '', 'https://\u0000', `https://x/${'x'.repeat(2_048)}`]) {
      expect(refusal(await commands.createAddIn(admin, { name: 'Other', url }))).toBe('invalid')
    }
    expect(refusal(await commands.createAddIn(admin, { name: 'Prices', url: 'https://x' }))).toBe('duplicate-name')
    for (const addIn of ['Nothing', '\u0000']) {
      expect(refusal(await commands.changeAddIn(admin, { addIn }))).toBe('no-such-add-in')
      expect(refusal(await commands.deleteAddIn(admin, { addIn }))).toBe('no-such-add-in')
    }
    const room = must(await commands.createRoom(admin, { name: 'Priced', category: 'General', addIn: 'Prices' }))
    await pool.changes()
    must(await commands.changeAddIn(admin, { addIn: 'Prices', name: 'Quotes' }))
    expect(
      (await pool.changes()).map(({ action, subject, before, after }) => [action, subject.uri, before, after]),
    ).toEqual([
      ['deleted', 'add-in:Prices', { name: 'Prices', url: 'https://prices.example/' }, {}],
      ['created', 'add-in:Quotes', {}, { name: 'Quotes', url: 'https://prices.example/' }],
      ['changed', room.uri, { addIn: 'Prices' }, { addIn: 'Quotes' }],
    ])
    must(await commands.deleteAddIn(admin, { addIn: 'Quotes' }))
    expect(await pool.changes()).toMatchObject([
      { action: 'deleted', before: { name: 'Quotes', url: 'https://prices.example/' } },
      { subject: { uri: room.uri }, after: { addIn: null } },
    ])
    expect((await pool.room('Priced')).rights).toBe(3)
  })

  it('a policy is granted to users, and revoked when it is deleted', async () => {
    must(await commands.createPolicy(admin, { identity: 'Traders', enabled: true }))
    expect(refusal(await commands.createPolicy(admin, { identity: 'Traders', enabled: true }))).toBe('duplicate-name')
    expect(refusal(await commands.createPolicy(admin, { identity: '', enabled: true }))).toBe('invalid')
    for (const policy of ['None', '\u0000']) {
      expect(refusal(await commands.changePolicy(admin, { policy }))).toBe('no-such-policy')
      expect(refusal(await commands.deletePolicy(admin, { policy }))).toBe('no-such-policy')
      expect(refusal(await commands.grantPolicy(admin, { users: ['ann'], policy }))).toBe('no-such-policy')
    }
    expect(refusal(await commands.grantPolicy(admin, { users: [EVERYBODY], policy: 'Traders' }))).toBe('invalid')
    expect(refusal(await commands.grantPolicy(admin, { users: ['nobody'], policy: 'Traders' }))).toBe(
      'no-such-principal',
    )
    await pool.changes()
    must(await commands.grantPolicy(admin, { users: ['ann', sip('bob')], policy: 'Traders' }))
    must(await commands.grantPolicy(admin, { users: ['bob'], policy: null }))
    must(await commands.deletePolicy(admin, { policy: 'Traders' }))
    expect((await pool.changes()).map(({ subject, after }) => [subject.uri, after])).toEqual([
      [sip('ann'), { policy: 'Traders' }],
      [sip('bob'), { policy: 'Traders' }],
      [sip('bob'), { policy: null }],
      ['policy:Traders', {}],
      [sip('ann'), { policy: null }],
    ])
  })

  it('an endpoint is a SIP address', async () => {
    must(await commands.createEndpoint(admin, { uri: 'sip:chat@a.example' }))
    expect(refusal(await commands.createEndpoint(admin, { uri: 'sip:chat@a.example' }))).toBe('duplicate-name')
    for (const uri of ['chat@a.example', 'sip:a b@c', 'sip:\u0000@c', 'sip:\ud800@c', 'sip:@c']) {
      expect(refusal(await commands.createEndpoint(admin, { uri }))).toBe('invalid')
      expect(refusal(await commands.deleteEndpoint(admin, { endpoint: uri }))).toBe('no-such-endpoint')
    }
    must(await commands.deleteEndpoint(admin, { endpoint: 'sip:chat@a.example' }))
  })

  it('a configuration has known settings within their ranges', async () => {
    const change = async (settings: object, identity = 'global') =>
      refusal(await commands.changeConfiguration(admin, { identity, settings }))
    const bad: object[] = [
      ...[{ chatBytesMax: 63 }, { chatBytesMax: 262_145 }, { defaultChatHistory: 0 }, { defaultChatHistory: 501 }],
      ...[{ searchLimit: 1_000 }, { searchLimit: 1.5 }, { searchLimit: '9' }, { participantUpdateLimit: -1 }],
      ...[{ managersMayEditChats: 1 }, { roomManagementUrl: 'nonsense' }, { roomManagementUrl: '\u0000' }],
      ...[{ toString: 'x' }, { constructor: null }, { unknown: 1 }],
    ]
    for (const settings of bad) expect(await change(settings)).toBe('invalid')
    for (const identity of ['', 'site:', 'other:x', 'site:\u0000', 'site:\ud800']) {
      expect(await change({}, identity)).toBe('invalid')
      expect(refusal(await commands.deleteConfiguration(admin, { identity }))).toBe('conflict')
    }
    await pool.changes()
    must(
      await commands.changeConfiguration(admin, {
        identity: 'site:one',
        settings: { searchLimit: 9 },
        mustBeNew: true,
      }),
    )
    const again = { identity: 'site:one', settings: {}, mustBeNew: true }
    expect(refusal(await commands.changeConfiguration(admin, again))).toBe('duplicate-name')
    must(
      await commands.changeConfiguration(admin, {
        identity: 'site:one',
        settings: { searchLimit: null, chatBytesMax: 64 },
      }),
    )
    must(await commands.changeConfiguration(admin, { identity: 'site:one', settings: { chatBytesMax: 64 } }))
    must(await commands.deleteConfiguration(admin, { identity: 'site:one' }))
    must(await commands.deleteConfiguration(admin, { identity: 'global' }))
    expect((await pool.changes()).map(({ action, before, after }) => [action, before, after])).toEqual([
      ['created', {}, { searchLimit: 9 }],
      ['changed', { searchLimit: 9, chatBytesMax: null }, { searchLimit: null, chatBytesMax: 64 }],
      ['deleted', { chatBytesMax: 64 }, {}],
    ])
  })

  it('the pool’s state and its active servers are changed by operators', async () => {
    must(await commands.setPoolState(admin, { pool: 'test', state: 'failed-over' }))
    must(await commands.setPoolState(admin, { pool: 'test', state: 'failed-over' }))
    must(await commands.setActiveServers(admin, { pool: 'test', change: () => ['b', 'a', 'b'] }))
    const without = (active: readonly string[]) => active.filter((name) => name !== 'a')
    expect(must(await commands.setActiveServers(admin, { pool: 'test', change: without })).active).toEqual(['b'])
    const many = Array.from({ length: 1_001 }, (_, n) => `s${n}`)
    expect(refusal(await commands.setActiveServers(admin, { pool: 'test', change: () => many }))).toBe('limit-exceeded')
    expect((await pool.changes()).map(({ before, after }) => [before, after])).toEqual([
      [{ state: 'normal' }, { state: 'failed-over' }],
      [{ allServersActive: true }, { allServersActive: false, activeServers: ['a', 'b'] }],
      [{ activeServers: ['a'] }, {}],
    ])
  })

  it('a pool assigns rooms from before there were categories to one, with their participants', async () => {
    const old = await place.open({ prepared: false })
    try {
      const row = { name: 'Old', uri: `ma-chan://${DOMAIN}/old`, privacy: 'closed', created_at: 0 }
      const [{ id: roomId }] = await old.db.knex('room').insert(row).returning('id')
      const { id } = await old.addUser('ann')
      await old.db.knex('room_role').insert({ room_id: roomId, principal_id: id, role: 'member' })
      await old.changes()
      await old.commands.preparePool()
      await old.commands.preparePool()
      const [category, room, ...more] = await old.changes()
      expect(more).toEqual([])
      expect(category).toMatchObject({ action: 'created', after: { name: 'General', allowed: [EVERYBODY] } })
      expect(room).toMatchObject({ action: 'created', room: { name: 'Old' }, after: { members: [sip('ann')] } })
      expect(stateByEvents(await old.events())).toEqual(await stateByTables(old.db))
    } finally {
      await old.close()
    }
  })
})
