import { DEFAULT_POOL_CONFIGURATION, type PoolConfiguration } from '@hansard/pool-store'
import { nameProblem, roomNameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import {
  type Context,
  changeEvents,
  difference,
  isKeepable,
  type Maker,
  type Properties,
  requireAdministrator,
} from './context.ts'
import { lockRooms, requireText } from './locked.ts'
import { findNamed, quoted } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Add-ins: web pages that clients show beside a room. */
export function addInCommands(context: Context) {
  const { bus, from, poolRoomId } = context
  const announce = (rooms: readonly number[]) => {
    for (const room of rooms) bus.publish({ t: 'room-changed', room, from })
  }

  return {
    createAddIn: (
      by: Maker,
      { name, url }: { name: string; url: string },
    ): Promise<Result<{ name: string; url: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        await requireNewAddIn(tx, name)
        requireWebAddress(url)
        await tx('add_in').insert({ name, url })
        const subject = { type: 'add-in' as const, uri: `add-in:${name}`, name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after: { name, url } })
        return { events, rights: [], result: { name, url } }
      }),

    async changeAddIn(
      by: Maker,
      { addIn, name, url }: { addIn: string; name?: string | undefined; url?: string | undefined },
    ): Promise<Result<{ name: string; url: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const before = await lockAddIn(tx, addIn)
        if (name !== undefined && name !== before.name) await requireNewAddIn(tx, name)
        if (url !== undefined) requireWebAddress(url)
        const after = { name: name ?? before.name, url: url ?? before.url }
        const told = difference({ name: before.name, url: before.url }, after)
        if (!told) return { events: [], rights: [], result: { ...after, rooms: [] } }
        await tx('add_in').where({ id: before.id }).update(after)
        const rooms = await roomsWithAddIn(tx, before.id)
        const subject = (of: string) => ({ type: 'add-in' as const, uri: `add-in:${of}`, name: of })
        const common = { roomId: poolRoomId, by }
        // An add-in goes by its name: under another it is another, and the rooms change that have it.
        const events =
          after.name === before.name
            ? changeEvents({ ...common, action: 'changed', subject: subject(after.name), ...told })
            : [
                ...changeEvents({
                  ...common,
                  action: 'deleted',
                  subject: subject(before.name),
                  before: { name: before.name, url: before.url },
                }),
                ...changeEvents({ ...common, action: 'created', subject: subject(after.name), after }),
                ...toldOfRooms(rooms, by, { addIn: before.name }, { addIn: after.name }),
              ]
        return { events, rights: rooms.map(({ id }) => id), result: { ...after, rooms: rooms.map(({ id }) => id) } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { name: result.value.name, url: result.value.url } }
    },

    async deleteAddIn(by: Maker, { addIn }: { addIn: string }): Promise<Result<{ name: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const { id, name } = await lockAddIn(tx, addIn)
        const rooms = await roomsWithAddIn(tx, id)
        await lockRooms(tx, [poolRoomId, ...rooms.map((room) => room.id)])
        await tx('room').where({ add_in_id: id }).update({ add_in_id: null })
        await tx('add_in').where({ id }).delete()
        const subject = { type: 'add-in' as const, uri: `add-in:${name}`, name }
        const events = [
          ...changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before: { name } }),
          ...toldOfRooms(rooms, by, { addIn: name }, { addIn: null }),
        ]
        return { events, rights: rooms.map((room) => room.id), result: { name, rooms: rooms.map((room) => room.id) } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { name: result.value.name } }
    },
  }
}

type RoomRow = { id: number; uri: string; name: string }

function toldOfRooms(rooms: readonly RoomRow[], by: Maker, before: Properties, after: Properties) {
  return rooms.flatMap(({ id, uri, name }) =>
    changeEvents({ roomId: id, by, action: 'changed', subject: { type: 'room', uri, name }, before, after }),
  )
}

async function lockAddIn(tx: Knex.Transaction, name: string): Promise<{ id: number; name: string; url: string }> {
  if (!isKeepable(name)) throw new ChangeRefused('no-such-add-in', `There is no add-in ${quoted(name)}.`)
  const row: { id: number; name: string; url: string } | undefined = await tx('add_in')
    .where({ name })
    .forUpdate()
    .first()
  if (!row) throw new ChangeRefused('no-such-add-in', `There is no add-in ${quoted(name)}.`)
  return row
}

async function requireNewAddIn(tx: Knex.Transaction, name: string): Promise<void> {
  const problem = roomNameProblem(name)
  if (problem) throw new ChangeRefused('invalid', problem.replace('A room name', 'An add-in’s name'))
  if (await tx('add_in').where({ name }).first('id')) {
    throw new ChangeRefused('duplicate-name', `There is an add-in ${quoted(name)} already.`)
  }
}

async function roomsWithAddIn(tx: Knex.Transaction, id: number): Promise<RoomRow[]> {
  return tx('room').where({ add_in_id: id }).whereNull('deleted_at').orderBy('id').select('id', 'uri', 'name')
}

function requireWebAddress(url: string): void {
  const good = url.length <= 2_048 && isKeepable(url) && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (!good) throw new ChangeRefused('invalid', `${quoted(url)} is no http or https address.`)
}

/** Policies: who may use the pool. */
export function policyCommands(context: Context) {
  const { bus, poolRoomId } = context
  const told = (
    by: Maker,
    action: 'created' | 'changed' | 'deleted',
    identity: string,
    change: { before?: Properties; after?: Properties },
  ) => {
    const subject = { type: 'policy' as const, uri: `policy:${identity}`, name: identity }
    return changeEvents({ roomId: poolRoomId, by, action, subject, ...change })
  }
  // Whom a policy counts for is not known here: every service looks again at everybody.
  const announce = () => bus.publish({ t: 'configuration-changed' })

  return {
    async createPolicy(
      by: Maker,
      { identity, description = '', enabled }: { identity: string; description?: string | undefined; enabled: boolean },
    ): Promise<Result<{ identity: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const problem = roomNameProblem(identity)
        if (problem) throw new ChangeRefused('invalid', problem.replace('A room name', 'A policy’s name'))
        requireText('A description', description, 256)
        if (await tx('policy').where({ identity }).first('id')) {
          throw new ChangeRefused('duplicate-name', `There is a policy ${quoted(identity)} already.`)
        }
        await tx('policy').insert({ identity, description, enabled })
        const events = told(by, 'created', identity, { after: { description, enabled } })
        return { events, rights: [], result: { identity } }
      })
      if (result.ok) announce()
      return result
    },

    async changePolicy(
      by: Maker,
      {
        policy,
        description,
        enabled,
      }: { policy: string; description?: string | undefined; enabled?: boolean | undefined },
    ): Promise<Result<{ identity: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        requireText('A description', description, 256)
        const before = await lockPolicy(tx, policy)
        const change = difference(
          { description: before.description, enabled: before.enabled },
          { description, enabled },
        )
        if (change) await tx('policy').where({ id: before.id }).update(change.after)
        const events = change ? told(by, 'changed', policy, change) : []
        return { events, rights: [], result: { identity: policy } }
      })
      if (result.ok) announce()
      return result
    },

    async deletePolicy(by: Maker, { policy }: { policy: string }): Promise<Result<{ identity: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const { id, description, enabled } = await lockPolicy(tx, policy)
        const holders: { uri: string; display_name: string }[] = await tx('principal')
          .where({ policy_id: id })
          .orderBy('id')
          .select('uri', 'display_name')
        await tx('principal').where({ policy_id: id }).update({ policy_id: null })
        await tx('policy').where({ id }).delete()
        const events = told(by, 'deleted', policy, { before: { description, enabled } })
        for (const { uri, display_name: name } of holders) {
          const subject = { type: 'user' as const, uri, name }
          const change = { before: { policy }, after: { policy: null } }
          events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...change }))
        }
        return { events, rights: [], result: { identity: policy } }
      })
      if (result.ok) announce()
      return result
    },

    /** Grants a policy to users, or with null takes theirs away, so that a wider one counts. */
    async grantPolicy(
      by: Maker,
      { users, policy }: { users: readonly string[]; policy: string | null },
    ): Promise<Result<{ ids: number[] }>> {
      const result = await context.make(by, async (by, tx, at) => {
        requireAdministrator(by)
        const id = policy === null ? null : (await lockPolicy(tx, policy)).id
        const named = await findNamed(tx, users, at)
        const other = named.find(({ type }) => type !== 'user')
        if (other) throw new ChangeRefused('invalid', `${quoted(other.uri)} is no user: policies are granted to users.`)
        const events = []
        for (const user of named) {
          const held: { identity: string } | undefined = await tx('policy')
            .join('principal', 'principal.policy_id', 'policy.id')
            .where('principal.id', user.id)
            .first('policy.identity')
          const change = difference({ policy: held?.identity ?? null }, { policy })
          if (!change) continue
          await tx('principal').where({ id: user.id }).update({ policy_id: id })
          const subject = { type: 'user' as const, uri: user.uri, name: user.name }
          events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...change }))
        }
        return { events, rights: [], result: { ids: named.map((user) => user.id) } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: result.value.ids })
      return result
    },
  }
}

async function lockPolicy(
  tx: Knex.Transaction,
  identity: string,
): Promise<{ id: number; description: string; enabled: boolean }> {
  if (!isKeepable(identity)) throw new ChangeRefused('no-such-policy', `There is no policy ${quoted(identity)}.`)
  const row: { id: number; description: string; enabled: unknown } | undefined = await tx('policy')
    .where({ identity })
    .forUpdate()
    .first()
  if (!row) throw new ChangeRefused('no-such-policy', `There is no policy ${quoted(identity)}.`)
  return { ...row, enabled: Boolean(row.enabled) }
}

/** Endpoints: addresses under which clients of the original look for the pool. */
export function endpointCommands(context: Context) {
  const { poolRoomId } = context
  return {
    createEndpoint: (
      by: Maker,
      { uri, displayName }: { uri: string; displayName?: string | undefined },
    ): Promise<Result<{ uri: string; displayName: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        if (!/^sip:[^\s@<>"\p{Cc}\p{Cs}]{1,256}@[a-z0-9.-]{1,253}$/iu.test(uri)) {
          throw new ChangeRefused('invalid', `${quoted(uri)} is no SIP address such as sip:chat@example.com.`)
        }
        requireText('A display name', displayName, 256)
        if (await tx('endpoint').where({ uri }).first('id')) {
          throw new ChangeRefused('duplicate-name', `There is an endpoint ${quoted(uri)} already.`)
        }
        const name = displayName ?? uri
        await tx('endpoint').insert({ uri, display_name: name })
        const subject = { type: 'endpoint' as const, uri, name }
        const after = { displayName: name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after })
        return { events, rights: [], result: { uri, displayName: name } }
      }),

    deleteEndpoint: (by: Maker, { endpoint }: { endpoint: string }): Promise<Result<{ uri: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const row: { display_name: string } | undefined = isKeepable(endpoint)
          ? await tx('endpoint').where({ uri: endpoint }).first()
          : undefined
        if (!row) throw new ChangeRefused('no-such-endpoint', `There is no endpoint ${quoted(endpoint)}.`)
        await tx('endpoint').where({ uri: endpoint }).delete()
        const subject = { type: 'endpoint' as const, uri: endpoint, name: row.display_name }
        const before = { displayName: row.display_name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before })
        return { events, rights: [], result: { uri: endpoint } }
      }),
  }
}

/** What may be set, and within what. */
const RANGES: Partial<Record<keyof PoolConfiguration, readonly [number, number]>> = {
  chatBytesMax: [64, 262_144],
  storyBytesMax: [64, 262_144],
  defaultChatHistory: [1, 500],
  maxFileSizeKb: [0, 4_194_303],
  participantUpdateLimit: [0, 1_000_000],
  searchLimit: [1, 999],
}

/** Settings of the pool, its sites and its services; its state; its active servers. */
export function configurationCommands(context: Context) {
  const { bus, poolRoomId } = context
  const announce = () => bus.publish({ t: 'configuration-changed' })

  return {
    /** Changes the settings that are named; null takes one away, so that a wider one counts. */
    async changeConfiguration(
      by: Maker,
      {
        identity,
        settings,
        mustBeNew = false,
      }: {
        identity: string
        settings: { readonly [K in keyof PoolConfiguration]?: PoolConfiguration[K] | null | undefined }
        /** refuse when there is a configuration of that identity */
        mustBeNew?: boolean
      },
    ): Promise<Result<{ identity: string; settings: Partial<PoolConfiguration> }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        if (!/^(global|(site|service):[^\p{Cc}\p{Cs}]{1,200})$/u.test(identity)) {
          throw new ChangeRefused('invalid', `${quoted(identity)} is none of global, site:<name>, service:<name>.`)
        }
        const row: { settings: string } | undefined = await tx('pool_configuration')
          .where({ identity })
          .forUpdate()
          .first()
        if (row && mustBeNew)
          throw new ChangeRefused('duplicate-name', `There is a configuration ${quoted(identity)} already.`)
        const before = row ? (JSON.parse(row.settings) as Record<string, string | number | boolean>) : {}
        const after = { ...before }
        for (const [name, value] of Object.entries(settings)) {
          if (value === undefined) continue
          requireSetting(name, value)
          if (value === null) delete after[name]
          else after[name] = value
        }
        const text = JSON.stringify(after)
        await tx('pool_configuration').insert({ identity, settings: text }).onConflict('identity').merge()
        const told = differenceOfAll(before, after)
        const subject = { type: 'pool-configuration' as const, uri: `configuration:${identity}`, name: identity }
        const action = row ? 'changed' : 'created'
        const change = row ? told : { after }
        const events = told || !row ? changeEvents({ roomId: poolRoomId, by, action, subject, ...change }) : []
        return { events, rights: [], result: { identity, settings: after as Partial<PoolConfiguration> } }
      })
      if (result.ok) announce()
      return result
    },

    async deleteConfiguration(by: Maker, { identity }: { identity: string }): Promise<Result<{ identity: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const row: { settings: string } | undefined = isKeepable(identity)
          ? await tx('pool_configuration').where({ identity }).forUpdate().first()
          : undefined
        // The global one is always there: removing it returns to the defaults.
        if (!row && identity !== 'global') {
          throw new ChangeRefused('conflict', `There is no configuration ${quoted(identity)}.`)
        }
        await tx('pool_configuration').where({ identity }).delete()
        const before = row ? (JSON.parse(row.settings) as Properties) : {}
        const subject = { type: 'pool-configuration' as const, uri: `configuration:${identity}`, name: identity }
        const events = row ? changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before }) : []
        return { events, rights: [], result: { identity } }
      })
      if (result.ok) announce()
      return result
    },

    async setPoolState(
      by: Maker,
      { pool, state }: { pool: string; state: 'normal' | 'failed-over' },
    ): Promise<Result<{ state: 'normal' | 'failed-over' }>> {
      const result = await context.make(by, async (by, tx) => {
        requireOperator(by)
        const before = (await readSetting(tx, 'pool-state')) ?? 'normal'
        await writeSetting(tx, 'pool-state', state)
        const told = difference({ state: before }, { state })
        const subject = { type: 'pool-state' as const, uri: `pool:${pool}`, name: pool }
        const events = told ? changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...told }) : []
        return { events, rights: [], result: { state } }
      })
      if (result.ok) announce()
      return result
    },

    /** Names the channel services that clients are sent to; none named means all of them. */
    async setActiveServers(
      by: Maker,
      { pool, change }: { pool: string; change: (active: readonly string[]) => readonly string[] },
    ): Promise<Result<{ active: readonly string[] }>> {
      const result = await context.make(by, async (by, tx) => {
        requireOperator(by)
        const before = JSON.parse((await readSetting(tx, 'active-servers')) ?? '[]') as string[]
        const active = [...new Set(change(before))].sort()
        if (active.length > 1_000) throw new ChangeRefused('limit-exceeded', 'A pool has 1,000 servers at most.')
        for (const name of active) {
          const problem = nameProblem('The name of a server', name)
          if (problem) throw new ChangeRefused('invalid', problem)
        }
        await writeSetting(tx, 'active-servers', JSON.stringify(active))
        const removed = before.filter((name) => !active.includes(name))
        const added = active.filter((name) => !before.includes(name))
        const subject = { type: 'pool-state' as const, uri: `pool:${pool}`, name: pool }
        const events =
          removed.length + added.length === 0
            ? []
            : changeEvents({
                roomId: poolRoomId,
                by,
                action: 'changed',
                subject,
                before: removed.length > 0 ? { activeServers: removed } : {},
                after: added.length > 0 ? { activeServers: added } : {},
              })
        return { events, rights: [], result: { active } }
      })
      if (result.ok) announce()
      return result
    },
  }
}

function requireSetting(name: string, value: unknown): void {
  if (!Object.hasOwn(DEFAULT_POOL_CONFIGURATION, name))
    throw new ChangeRefused('invalid', `There is no setting ${quoted(name)}.`)
  if (value === null) return
  const kind = typeof DEFAULT_POOL_CONFIGURATION[name as keyof PoolConfiguration]
  const [min, max] = RANGES[name as keyof PoolConfiguration] ?? [0, Number.MAX_SAFE_INTEGER]
  if (kind === 'number') {
    const fits = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    if (!fits) throw new ChangeRefused('invalid', `${name} takes a whole number from ${min} to ${max}.`)
  } else if (typeof value !== kind) {
    throw new ChangeRefused('invalid', `${name} takes a ${kind}.`)
  }
  if (kind === 'string') requireText(name, value as string, 2_048)
  if (name === 'roomManagementUrl' && value !== '') requireWebAddress(value as string)
}

function differenceOfAll(before: Properties, after: Properties) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return difference(before, Object.fromEntries([...names].map((name) => [name, after[name] ?? null])))
}

function requireOperator(by: Maker): void {
  if (!by.roles?.includes('operator')) {
    throw new ChangeRefused('not-an-administrator', 'Only operators may do this.')
  }
}

async function readSetting(tx: Knex.Transaction, name: string): Promise<string | undefined> {
  const row: { value: string } | undefined = await tx('pool_setting').where({ name }).forUpdate().first('value')
  return row?.value
}

async function writeSetting(tx: Knex.Transaction, name: string, value: string): Promise<void> {
  await tx('pool_setting').insert({ name, value }).onConflict('name').merge()
}
