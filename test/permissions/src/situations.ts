import {
  ROOM_PRIVACIES,
  ROOM_TYPES,
  type RoomPrivacy,
  type RoomRole,
  type RoomType,
  type Standing,
} from '@hansard/rooms'

/** A user of the matrix: their relation to a room and its category. */
export type MatrixPerson = {
  /** also their account */
  readonly name: string
  readonly told: string
  readonly inScope: boolean
  /** both allowed and denied by the category */
  readonly denied?: boolean
  readonly roles: readonly RoomRole[]
  readonly creator?: boolean
  readonly administrator?: boolean
  /** how roles and scope are granted: to the user, to a nested group, or to the whole domain */
  readonly by: 'name' | 'group' | 'domain'
}

export const PEOPLE: readonly MatrixPerson[] = [
  { name: 'outsider', told: 'outside', inScope: false, roles: [], by: 'name' },
  {
    name: 'outside-manager',
    told: 'outside, listed as member, presenter and manager',
    inScope: false,
    roles: ['member', 'presenter', 'manager'],
    by: 'name',
  },
  {
    name: 'denied-member',
    told: 'denied, listed as member and manager',
    inScope: false,
    denied: true,
    roles: ['member', 'manager'],
    by: 'name',
  },
  { name: 'insider', told: 'in scope', inScope: true, roles: [], by: 'domain' },
  { name: 'member', told: 'member', inScope: true, roles: ['member'], by: 'name' },
  { name: 'group-member', told: 'member through a group in a group', inScope: true, roles: ['member'], by: 'group' },
  { name: 'presenter', told: 'member and presenter', inScope: true, roles: ['member', 'presenter'], by: 'name' },
  { name: 'manager', told: 'manager', inScope: true, roles: ['manager'], by: 'name' },
  {
    name: 'creator-manager',
    told: 'member and manager, creator of the category',
    inScope: true,
    roles: ['member', 'manager'],
    creator: true,
    by: 'name',
  },
  {
    name: 'administrator',
    told: 'administrator, outside',
    inScope: false,
    roles: [],
    administrator: true,
    by: 'name',
  },
  {
    name: 'administrator-insider',
    told: 'administrator, in scope',
    inScope: true,
    roles: [],
    administrator: true,
    by: 'domain',
  },
]

export function standingOfPerson(person: MatrixPerson): Standing {
  return {
    inScope: person.inScope,
    creator: person.creator ?? false,
    roles: new Set(person.roles),
    administrator: person.administrator ?? false,
  }
}

/** A room of the matrix. */
export type MatrixPlace = {
  readonly name: string
  readonly privacy: RoomPrivacy
  readonly type: RoomType
  readonly disabled: boolean
  /** its category has history and file upload on */
  readonly switches: boolean
}

const place = (privacy: RoomPrivacy, type: RoomType, disabled: boolean, switches: boolean): MatrixPlace => ({
  name: [privacy, type, ...(disabled ? ['disabled'] : []), ...(switches ? [] : ['unlogged'])].join('-'),
  privacy,
  type,
  disabled,
  switches,
})

export const PLACES: readonly MatrixPlace[] = [
  ...ROOM_PRIVACIES.flatMap((privacy) =>
    ROOM_TYPES.flatMap((type) => [place(privacy, type, false, true), place(privacy, type, true, true)]),
  ),
  place('closed', 'normal', false, false),
]
