import { decide, mayCreateRoom, ROOM_OPERATIONS, type RoomOperation, type RoomRules } from '@hansard/rooms'
import { type MatrixPerson, type MatrixPlace, PEOPLE, PLACES, standingOfPerson } from './situations.ts'

/** `yes`, or the refusal. */
export type Answer = 'yes' | (string & {})

function rulesOf(place: MatrixPlace): RoomRules {
  return {
    type: place.type,
    privacy: place.privacy,
    disabled: place.disabled,
    invitations: 'inherit',
    category: { invitations: true, fileUpload: place.switches, chatHistory: place.switches },
  }
}

/** The decision of the rules. A move is into a category with the same creators. */
export function expected(
  operation: RoomOperation,
  place: MatrixPlace,
  person: MatrixPerson,
  settings = { managersMayEditChats: false },
): Answer {
  const standing = standingOfPerson(person)
  const decision = decide(operation, rulesOf(place), standing, settings)
  if (!decision.allowed) return decision.reason
  if (operation !== 'move-room') return 'yes'
  const target = mayCreateRoom(standing)
  return target.allowed ? 'yes' : target.reason
}

/** Actions only for administrators: the admin API checks the role before it reads the room. */
const ADMINISTRATION: ReadonlySet<RoomOperation> = new Set(['enable-room', 'delete-room', 'clear-room', 'purge-chats'])

/**
 * The decision of the admin API, and thus of the command line: the same, except that rooms exist there only for those
 * who run them. For everybody else, members included, a room is `no-such-room` there.
 */
export function expectedOfAdminApi(operation: RoomOperation, place: MatrixPlace, person: MatrixPerson): Answer {
  if (person.administrator) return expected(operation, place, person)
  if (ADMINISTRATION.has(operation)) return 'not-allowed'
  return person.roles.includes('manager') ? expected(operation, place, person) : 'no-such-room'
}

/** The whole matrix as a Markdown document. */
export function permissionsDocument(): string {
  return [
    '# Who may do what',
    '',
    'Generated from the rules in `packages/rooms` by `npm run permissions:accept`. `test/permissions` tries every',
    'cell against a running pool, through the WebSocket, the admin API and the command line. A cell says `yes`, or',
    'the code of the refusal.',
    '',
    'Users are inside the scope of the room’s category unless the column says otherwise. *Outside* is everybody whom',
    'the category does not allow, or denies: denial wins. A user who may not see a room is answered `no-such-room`,',
    'word for word like for a room that does not exist. An administrator manages every room, but joins and reads it only',
    'by the rules for everybody: if the scope of its category and its privacy permit it, or after becoming a member, which',
    'is on record.',
    '',
    'Through the admin API and the command line, only managers and administrators can access a room. For everybody',
    'else, members included, it is `no-such-room` there, and operations for administrators only are `not-allowed`',
    'before the room is looked up.',
    '',
    'With the setting `managersMayEditChats`, managers may also replace and delete chats (last table). Rooms are',
    'created by creators of a category and by administrators; everybody else is refused with `not-a-creator`. A room',
    'shows its category to its managers, and to those who may create rooms in that category.',
    '',
    'The same rules apply to listing rooms: a filter matches a room only if the room would show the caller the',
    'property it filters by (its lists: `see-roles`; who is in it now: `see-roster`; its category), or if that',
    'property concerns the caller itself.',
    '',
    'Names reveal nothing either: `duplicate-name` is answered only for rooms that the caller may know of, and a name means',
    'one of those. A caller who is no administrator is answered `not-in-scope` for a principal that does not exist and for',
    'one that the category does not allow.',
    '',
    ...PLACES.flatMap((place) => [`## ${title(place)}`, '', ...table(place), '']),
    '## A closed normal room, where managers may edit chats',
    '',
    ...table(PLACES.find(({ name }) => name === 'closed-normal')!, ['replace-chat', 'delete-chat'], {
      managersMayEditChats: true,
    }),
    '',
  ].join('\n')
}

function title({ privacy, type, disabled, switches }: MatrixPlace): string {
  const article = privacy === 'open' ? 'An' : 'A'
  const kind = type === 'normal' ? 'normal room' : 'auditorium'
  const state = disabled ? ', disabled' : ''
  return `${article} ${privacy} ${kind}${state}${switches ? '' : ', in a category without history and file upload'}`
}

function table(
  place: MatrixPlace,
  operations: readonly RoomOperation[] = ROOM_OPERATIONS,
  settings = { managersMayEditChats: false },
): string[] {
  const columns = PEOPLE.map((person) => person.told)
  return [
    `| | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---').join('|')}|`,
    ...operations.map((operation) => {
      const cells = PEOPLE.map((person) => expected(operation, place, person, settings))
      return `| ${operation} | ${cells.join(' | ')} |`
    }),
  ]
}
