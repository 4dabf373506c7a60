import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decide,
  mayCreateRoom,
  mayKnowCategory,
  ROOM_OPERATIONS,
  ROOM_PRIVACIES,
  ROOM_ROLES,
  ROOM_TYPES,
  type RoomOperation,
  type RoomRules,
  type Standing,
  standingOf,
} from './index.ts'

const SETTINGS = { managersMayEditChats: false }
const MANAGING: readonly RoomOperation[] = ['change-room', 'change-roles', 'disable-room', 'move-room']
const ADMINISTRATION: readonly RoomOperation[] = ['enable-room', 'delete-room', 'clear-room', 'purge-chats']
const TALK: readonly RoomOperation[] = ['join', 'see-roster', 'download-file', 'read-history', 'search-history', 'post']

const room = (changes: Partial<RoomRules> = {}): RoomRules => ({
  type: 'normal',
  privacy: 'closed',
  disabled: false,
  invitations: 'inherit',
  category: { invitations: true, fileUpload: true, chatHistory: true },
  ...changes,
})
const standing = (...roles: ('member' | 'manager' | 'presenter')[]): Standing => ({
  inScope: true,
  creator: false,
  roles: new Set(roles),
  administrator: false,
})
const outside = (...roles: ('member' | 'manager' | 'presenter')[]): Standing => ({
  ...standing(...roles),
  inScope: false,
})
const administrator: Standing = { ...outside(), administrator: true }
const answer = (operation: RoomOperation, to: RoomRules, who: Standing, settings = SETTINGS) => {
  const decision = decide(operation, to, who, settings)
  return decision.allowed ? 'yes' : decision.reason
}

const anyRoom: fc.Arbitrary<RoomRules> = fc.record({
  type: fc.constantFrom(...ROOM_TYPES),
  privacy: fc.constantFrom(...ROOM_PRIVACIES),
  disabled: fc.boolean(),
  invitations: fc.constantFrom('inherit' as const, 'off' as const),
  category: fc.record({ invitations: fc.boolean(), fileUpload: fc.boolean(), chatHistory: fc.boolean() }),
})
const anyRoles = fc.uniqueArray(fc.constantFrom(...ROOM_ROLES)).map((roles) => new Set(roles))
const anySettings = fc.record({ managersMayEditChats: fc.boolean() })

describe('the wall', () => {
  it('gives a caller outside the same answer to everything, whatever the room and whatever roles it lists for them', () => {
    fc.assert(
      fc.property(anyRoom, anyRoles, fc.boolean(), anySettings, (rules, roles, creator, settings) => {
        const who = { inScope: false, creator, roles, administrator: false }
        for (const operation of ROOM_OPERATIONS) expect(answer(operation, rules, who, settings)).toBe('no-such-room')
      }),
    )
  })

  it('gives a caller inside the same answer for a secret room that does not list them', () => {
    fc.assert(
      fc.property(anyRoom, anySettings, (rules, settings) => {
        const secret = { ...rules, privacy: 'secret' as const }
        for (const operation of ROOM_OPERATIONS) {
          expect(answer(operation, secret, standing(), settings)).toBe('no-such-room')
          expect(answer(operation, secret, standing('presenter'), settings)).toBe('no-such-room')
        }
      }),
    )
  })

  it('is no wider for an administrator who wants to read', () => {
    for (const operation of TALK)
      expect(answer(operation, room({ privacy: 'open' }), administrator)).toBe('not-a-member')
  })

  it('never removes a right because of a role', () => {
    fc.assert(
      fc.property(anyRoom, anyRoles, fc.constantFrom(...ROOM_ROLES), anySettings, (rules, roles, more, settings) => {
        const who = { inScope: true, creator: false, administrator: false }
        for (const operation of ROOM_OPERATIONS) {
          const before = decide(operation, rules, { ...who, roles }, settings)
          const after = decide(operation, rules, { ...who, roles: new Set([...roles, more]) }, settings)
          if (before.allowed) expect(after.allowed).toBe(true)
        }
      }),
    )
  })
})

describe('a room', () => {
  it('is open to everybody in scope, closed to all but its members, or visible only to them', () => {
    expect(answer('join', room({ privacy: 'open' }), standing())).toBe('yes')
    expect(answer('see', room({ privacy: 'closed' }), standing())).toBe('yes')
    expect(answer('join', room({ privacy: 'closed' }), standing())).toBe('not-a-member')
    expect(answer('join', room({ privacy: 'closed' }), standing('member'))).toBe('yes')
    expect(answer('join', room({ privacy: 'secret' }), standing('member'))).toBe('yes')
  })

  it('is not open to a manager who is no member', () => {
    expect(answer('join', room(), standing('manager'))).toBe('not-a-member')
    expect(answer('see', room({ privacy: 'secret' }), standing('manager'))).toBe('yes')
  })

  it('admits nobody while it is disabled, reports that to members, and is hidden from everybody else', () => {
    const disabled = room({ privacy: 'open', disabled: true })
    expect(answer('join', disabled, standing('member'))).toBe('room-disabled')
    expect(answer('see', disabled, standing('member'))).toBe('no-such-room')
    expect(answer('join', disabled, standing())).toBe('no-such-room')
    expect(answer('enable-room', disabled, standing('manager'))).toBe('not-an-administrator')
    expect(answer('change-room', disabled, standing('manager'))).toBe('room-disabled')
    expect(answer('see-roles', disabled, standing('manager'))).toBe('yes')
    expect(answer('enable-room', disabled, administrator)).toBe('yes')
  })

  it('accepts posts only from presenters when it is an auditorium', () => {
    const auditorium = room({ type: 'auditorium' })
    expect(answer('post', auditorium, standing('member'))).toBe('not-a-presenter')
    expect(answer('upload-file', auditorium, standing('member'))).toBe('not-a-presenter')
    expect(answer('post', auditorium, standing('member', 'presenter'))).toBe('yes')
    expect(answer('read-history', auditorium, standing('member'))).toBe('yes')
  })

  it('accepts files and shows history where its category does', () => {
    const category = { invitations: true, fileUpload: false, chatHistory: false }
    expect(answer('upload-file', room({ category }), standing('member'))).toBe('file-upload-off')
    expect(answer('download-file', room({ category }), standing('member'))).toBe('yes')
    expect(answer('read-history', room({ category }), standing('member'))).toBe('history-off')
    expect(answer('search-history', room({ category }), standing('member'))).toBe('history-off')
  })

  it('shows its lists to those who manage it', () => {
    expect(answer('see-roles', room(), standing('manager'))).toBe('yes')
    expect(answer('see-roles', room(), standing('member'))).toBe('not-a-manager')
    expect(answer('see-roles', room(), administrator)).toBe('yes')
  })

  it('is managed by its managers, except for what cannot be undone, and by nobody else', () => {
    for (const operation of MANAGING) {
      expect(answer(operation, room(), standing('manager'))).toBe('yes')
      expect(answer(operation, room(), standing('member'))).toBe('not-a-manager')
      expect(answer(operation, room(), administrator)).toBe('yes')
    }
    for (const operation of ADMINISTRATION) {
      expect(answer(operation, room(), standing('manager'))).toBe('not-an-administrator')
      expect(answer(operation, room(), administrator)).toBe('yes')
    }
  })

  it('lets managers edit chats where the pool permits it', () => {
    for (const operation of ['replace-chat', 'delete-chat'] as const) {
      expect(answer(operation, room(), standing('manager'))).toBe('not-an-administrator')
      expect(answer(operation, room(), standing('manager'), { managersMayEditChats: true })).toBe('yes')
      expect(answer(operation, room(), standing('member'), { managersMayEditChats: true })).toBe('not-a-manager')
    }
  })

  it('is created by creators in scope, and by administrators', () => {
    expect(mayCreateRoom({ inScope: true, creator: true, administrator: false })).toEqual({ allowed: true })
    expect(mayCreateRoom({ inScope: false, creator: true, administrator: false })).toEqual({
      allowed: false,
      reason: 'not-a-creator',
    })
    expect(mayCreateRoom({ inScope: false, creator: false, administrator: true })).toEqual({ allowed: true })
  })

  it('reveals its category to managers and creators who may see it, and to nobody else', () => {
    const creator = { ...standing(), creator: true }
    expect(mayKnowCategory(room(), standing('manager'))).toBe(true)
    expect(mayKnowCategory(room({ disabled: true }), standing('manager'))).toBe(true)
    expect(mayKnowCategory(room(), creator)).toBe(true)
    expect(mayKnowCategory(room(), administrator)).toBe(true)
    expect(mayKnowCategory(room({ privacy: 'secret' }), creator)).toBe(false)
    expect(mayKnowCategory(room({ disabled: true }), creator)).toBe(false)
    expect(mayKnowCategory(room(), standing('member', 'presenter'))).toBe(false)
    expect(mayKnowCategory(room(), { ...outside('manager'), creator: true })).toBe(false)
  })
})

describe('standing', () => {
  const EVERYBODY = 1
  const SALES = 2
  const ALICE = 3
  const none = { members: new Set<number>(), managers: new Set<number>(), presenters: new Set<number>() }
  const scope = (lists: { allowed?: number[]; denied?: number[]; creators?: number[] }) => ({
    allowed: new Set(lists.allowed),
    denied: new Set(lists.denied),
    creators: new Set(lists.creators),
  })
  const of = (identities: number[], lists: Parameters<typeof scope>[0], roles = none) =>
    standingOf(new Set(identities), { scope: scope(lists), roles, administrator: false })

  it('lets a denial of a group override an allowance of the user', () => {
    expect(of([ALICE, SALES, EVERYBODY], { allowed: [ALICE], denied: [SALES] }).inScope).toBe(false)
    expect(of([ALICE, EVERYBODY], { allowed: [EVERYBODY] }).inScope).toBe(true)
    expect(of([ALICE], {}).inScope).toBe(false)
  })

  it('includes the roles of every group of the user', () => {
    const roles = { members: new Set([SALES]), managers: new Set([ALICE]), presenters: new Set([EVERYBODY]) }
    expect([...of([ALICE, SALES, EVERYBODY], {}, roles).roles]).toEqual(['member', 'manager', 'presenter'])
    expect([...of([EVERYBODY], {}, roles).roles]).toEqual(['presenter'])
  })
})

it('to post takes no right to upload files, and to upload takes both', () => {
  const without = room({ category: { invitations: true, fileUpload: false, chatHistory: true } })
  expect(answer('post', without, standing('member'))).toBe('yes')
  expect(answer('upload-file', without, standing('member'))).toBe('file-upload-off')
  expect(answer('upload-file', room(), standing())).toBe('not-a-member')
})

it('a disabled room is known to be disabled by its members, and unknown to everybody else', () => {
  const disabled = room({ disabled: true, privacy: 'secret' })
  for (const operation of [...MANAGING, ...ADMINISTRATION]) {
    expect(answer(operation, disabled, standing('member'))).toBe('room-disabled')
    expect(answer(operation, disabled, outside('member'))).toBe('no-such-room')
    expect(answer(operation, disabled, standing())).toBe('no-such-room')
  }
  expect(answer('change-room', room({ privacy: 'secret' }), standing())).toBe('no-such-room')
})

it('a principal holds the roles of the lists that one of its identities is in, and no others', () => {
  const scope = { allowed: new Set([1]), denied: new Set<number>(), creators: new Set([5]) }
  const roles = { members: new Set([2]), managers: new Set([3]), presenters: new Set([4]) }
  const held = (...identities: number[]) => {
    const { inScope, creator, roles: of } = standingOf(new Set(identities), { scope, roles, administrator: false })
    return [inScope, creator, [...of].join()]
  }
  expect(held(1)).toEqual([true, false, ''])
  expect([held(2), held(3), held(4)].map(([, , roles]) => roles)).toEqual(['member', 'manager', 'presenter'])
  expect(held(5)).toEqual([false, true, ''])
  expect(held(1, 2, 3, 4, 5, 6, 7)).toEqual([true, true, 'member,manager,presenter'])
  expect(held()).toEqual([false, false, ''])
})
