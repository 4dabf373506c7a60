import { readFileSync } from 'node:fs'
import {
  type Change,
  type ComplianceEvent,
  decodeEvent,
  type EventPrincipal,
  encodeEvent,
} from '@hansard/compliance-event'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listOf, openPoolStateBuilder, poolStateFrom, subjectsOf } from './index.ts'

const alice: EventPrincipal = { id: 10, uri: 'sip:alice@fourthcoffee.com', name: 'Alice', internal: true }
const DESK = 'ma-chan://fourthcoffee.com/desk'
const POOL = 'ma-cat://fourthcoffee.com/pool'

type Told = ComplianceEvent extends infer E ? (E extends ComplianceEvent ? Omit<E, keyof Common> : never) : never
type Common = Pick<ComplianceEvent, 'v' | 'source' | 'epoch' | 'seq' | 'at' | 'room' | 'principal'>

/** Events of rooms, numbered in the order of the calls. */
function story() {
  const numbers = new Map<string, number>()
  return (room: string, told: Told): ComplianceEvent => {
    const seq = (numbers.get(room) ?? 0) + 1
    numbers.set(room, seq)
    const common = { v: 1 as const, source: 's', epoch: 1, seq, at: seq, room: { uri: room, name: room, seq } }
    return { ...common, principal: alice, ...told } as ComplianceEvent
  }
}

function change(
  action: Change['action'],
  before: Change['before'],
  after: Change['after'],
  subject: Change['subject'] = { type: 'room', uri: DESK, name: 'Desk' },
): Told {
  return { kind: 'change', action, subject, before, after }
}

describe('the state that changes imply', () => {
  it('is the last value of every property, and the entries of lists that were added and not removed', () => {
    const tell = story()
    const state = poolStateFrom([
      tell(DESK, change('created', {}, { name: 'Desk', privacy: 'open', disabled: false, members: ['a', 'c', 'b'] })),
      tell(DESK, change('changed', { privacy: 'open', members: ['c'] }, { privacy: 'closed', members: ['d'] })),
      tell(DESK, change('changed', { disabled: false, topic: null }, { disabled: true, topic: 'Beans' })),
    ])

    expect(subjectsOf(state, 'room').get(DESK)).toEqual({
      uri: DESK,
      name: 'Desk',
      deleted: false,
      properties: { name: 'Desk', privacy: 'closed', disabled: true, topic: 'Beans', members: ['a', 'b', 'd'] },
    })
  })

  it('gives a renamed subject its new name', () => {
    const tell = story()
    const renamed = change('changed', { name: 'Desk' }, { name: 'Trading Desk' })
    expect(subjectsOf(poolStateFrom([tell(DESK, renamed)]), 'room').get(DESK)?.name).toBe('Trading Desk')
  })

  it('keeps the final state of a deleted subject, and replaces it when the subject is created again', () => {
    const group = { type: 'group', uri: 'ma-grp:traders@fourthcoffee.com', name: 'Traders' } as const
    const tell = story()
    const events = [
      tell(POOL, change('created', {}, { members: ['a', 'b'] }, group)),
      tell(POOL, change('deleted', { members: ['a', 'b'] }, {}, group)),
      tell(POOL, change('created', {}, { members: ['c'] }, group)),
    ]
    const members = (state: ReturnType<typeof poolStateFrom>) =>
      listOf(subjectsOf(state, 'group').get(group.uri), 'members')

    const deleted = poolStateFrom(events.slice(0, 2))
    expect(subjectsOf(deleted, 'group').get(group.uri)).toMatchObject({ deleted: true })
    expect(members(deleted)).toEqual(['a', 'b'])
    expect(members(poolStateFrom(events))).toEqual(['c'])
    expect(subjectsOf(poolStateFrom(events), 'group').get(group.uri)).toMatchObject({ deleted: false })
  })

  it('distinguishes subjects of one URI by their type, and accepts any property name', () => {
    const tell = story()
    const state = poolStateFrom([
      tell(
        POOL,
        change('changed', {}, { __proto__x: 1, constructor: 'x' }, { type: 'policy', uri: 'global', name: 'g' }),
      ),
      tell(
        POOL,
        change('changed', {}, JSON.parse('{"__proto__":"y"}'), {
          type: 'pool-configuration',
          uri: 'global',
          name: 'g',
        }),
      ),
    ])
    expect(subjectsOf(state, 'policy').get('global')?.properties['constructor']).toBe('x')
    expect(Object.keys(subjectsOf(state, 'pool-configuration').get('global')!.properties)).toEqual(['__proto__'])
    expect(listOf(undefined, 'members')).toEqual([])
  })

  it('refuses events of a room that are out of order, and accepts one number twice', () => {
    const tell = story()
    const [first, second] = [tell(DESK, change('created', {}, {})), tell(DESK, change('deleted', {}, {}))]
    expect(() => poolStateFrom([second, first])).toThrow('must come in order')
    expect(() => poolStateFrom([first], { from: poolStateFrom([second]) })).toThrow('must come in order')
    expect(() => poolStateFrom([first, { ...second, room: first.room }])).not.toThrow()
  })
})

describe('the stories in the officers’ documentation', () => {
  const told = (name: string) => {
    const file = new URL(`../../../fixtures/scenarios/${name}.json`, import.meta.url)
    const { events } = JSON.parse(readFileSync(file, 'utf8')) as { events: ComplianceEvent[] }
    return poolStateFrom(
      events.map((event) => decodeEvent(encodeEvent(event))),
      { chats: true },
    )
  }

  it('imply what they state: a room whose creator removed a member, and closed it', () => {
    const state = told('room-created-and-run')
    const [room] = [...subjectsOf(state, 'room').values()]
    expect(room).toMatchObject({
      name: 'Trading Desk',
      deleted: false,
      properties: {
        ...{ disabled: true, privacy: 'closed', topic: '"Beans" <only>\u0007\nand no tips', addIn: null },
        members: ['ma-grp:Traders%20%26%20Buyers@fourthcoffee.com', 'sip:alice@fourthcoffee.com'],
        managers: ['sip:alice@fourthcoffee.com', 'sip:dora@fourthcoffee.com'],
        presenters: [],
      },
    })
    expect(state.presence.size).toBe(0)
  })

  it('imply what they state: a wall that excludes a company, and settings that changed with it', () => {
    const state = told('wall-goes-up')
    const [category] = [...subjectsOf(state, 'category').values()]
    expect(listOf(category, 'denied')).toEqual(['ma-grp:*@litwareinc.com'])
    expect(subjectsOf(state, 'pool-configuration').get('global')?.properties).toEqual({
      chatLengthMax: 8192,
      managersMayEditChats: true,
    })
    expect(subjectsOf(state, 'add-in').get('ma-addin:7')?.deleted).toBe(true)
    expect(subjectsOf(state, 'user').get('sip:new@fourthcoffee.com')?.name).toBe('New <one>\u0001')
  })
})

describe('presence', () => {
  it('is the sessions that joined and did not part', () => {
    const tell = story()
    const state = poolStateFrom([
      tell(DESK, { kind: 'join', session: 'phone' }),
      tell(DESK, { kind: 'join', session: 'desktop' }),
      tell(DESK, { kind: 'part', session: 'phone', reason: 'removed' }),
      tell(POOL, { kind: 'join', session: 'phone' }),
      tell(POOL, { kind: 'part', session: 'phone', reason: 'left' }),
    ])
    expect([...state.presence]).toEqual([[DESK, new Map([['desktop', { principal: alice, joinedAt: 2 }]])]])
  })
})

describe('chats', () => {
  it('are in their current state, if requested', () => {
    const tell = story()
    const events = [
      tell(DESK, { kind: 'chat', chatId: 1, content: 'Sell.', alert: true }),
      tell(DESK, { kind: 'chat', chatId: 2, content: 'Frost.', title: 'Weather' }),
      tell(DESK, { kind: 'chat-replaced', chatId: 2, content: 'Rain.', replaced: 'Frost.' }),
      tell(DESK, { kind: 'chat-purged', chatId: 1, replaced: 'Sell.' }),
      tell(DESK, { kind: 'chat', chatId: 3, content: 'Body.', title: 'Plan A' }),
      tell(DESK, {
        ...{ kind: 'chat-replaced', chatId: 3, content: 'Another.', title: 'Plan B' },
        ...{ replaced: 'Body.', replacedTitle: 'Plan A', author: alice, postedAt: 5 },
      }),
    ]
    expect(poolStateFrom(events).chats.size).toBe(0)
    expect(poolStateFrom(events, { chats: true }).chats.get(DESK)).toEqual(
      new Map([
        [1, { content: '', title: undefined, alert: true, state: 'purged' }],
        [2, { content: 'Rain.', title: undefined, alert: false, state: 'replaced' }],
        [3, { content: 'Another.', title: 'Plan B', alert: false, state: 'replaced' }],
      ]),
    )
  })
})

describe('for any sequence of events', () => {
  const name = fc.constantFrom('members', 'managers', 'topic', 'privacy')
  const entry = fc.constantFrom('a', 'b', 'c', 'd')
  const value = fc.oneof(fc.array(entry), fc.boolean(), fc.constant(null), entry)
  const properties = fc.dictionary(name, value)
  const room = fc.constantFrom(DESK, POOL, 'ma-chan://fourthcoffee.com/other')
  const told: fc.Arbitrary<Told> = fc.oneof(
    fc
      .tuple(fc.constantFrom('created', 'changed', 'deleted'), properties, properties)
      .map(([action, before, after]) => change(action as Change['action'], before, after)),
    fc.constantFrom('x', 'y').map((session): Told => ({ kind: 'join', session })),
    fc.constantFrom('x', 'y').map((session): Told => ({ kind: 'part', session, reason: 'left' })),
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), entry)
      .map(([chatId, content]): Told => ({ kind: 'chat', chatId, content })),
    fc.integer({ min: 1, max: 3 }).map((chatId): Told => ({ kind: 'chat-purged', chatId, replaced: '' })),
  )
  // A subject is changed in one room only, so each room's changes concern a different subject.
  const happenings = fc.array(fc.tuple(room, told), { maxLength: 40 }).map((all) => {
    const tell = story()
    return all.map(([uri, one]) =>
      tell(uri, one.kind === 'change' ? { ...one, subject: { ...one.subject, uri: `of ${uri}` } } : one),
    )
  })

  it('continuing from a state gives the same as all events together', () => {
    fc.assert(
      fc.property(happenings, fc.nat(40), (events, cut) => {
        const from = poolStateFrom(events.slice(0, cut), { chats: true })
        const before = JSON.stringify([...from.subjects].map(([type, known]) => [type, [...known]]))
        expect(poolStateFrom(events.slice(cut), { from, chats: true })).toEqual(poolStateFrom(events, { chats: true }))
        expect(JSON.stringify([...from.subjects].map(([type, known]) => [type, [...known]]))).toBe(before)
      }),
    )
  })

  it('the order across rooms does not matter', () => {
    fc.assert(
      fc.property(happenings, (events) => {
        const byRoom = events.toSorted((a, b) => (a.room.uri < b.room.uri ? -1 : a.room.uri > b.room.uri ? 1 : 0))
        expect(poolStateFrom(byRoom, { chats: true })).toEqual(poolStateFrom(events, { chats: true }))
      }),
    )
  })

  it('a list derived from its differences is the list', () => {
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(entry), { minLength: 1 }), (lists) => {
        const tell = story()
        const builder = openPoolStateBuilder()
        let last: ('a' | 'b' | 'c' | 'd')[] = []
        for (const list of lists) {
          const taken = last.filter((one) => !list.includes(one))
          const added = list.filter((one) => !last.includes(one))
          builder.add(tell(DESK, change('changed', { members: taken }, { members: added })))
          last = list
        }
        expect(listOf(subjectsOf(builder.state(), 'room').get(DESK), 'members')).toEqual(last.toSorted())
      }),
    )
  })
})
