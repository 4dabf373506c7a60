import { decide, mayCreateRoom, ROOM_OPERATIONS, type RoomOperation, type RoomRules } from '@hansard/rooms'
import { PEOPLE, type Person, PLACES, type Place, standingOfPerson } from './situations.ts'

/** `yes`, or the refusal. */
export type Answer = 'yes' | (string & {})

function rulesOf(place: Place): RoomRules {
  return {
    type: place.type,
    privacy: place.privacy,
    disabled: place.disabled,
    invitations: 'inherit',
    category: { invitations: true, fileUpload: place.switches, chatHistory: place.switches },
  }
}

/** What the rules say. Of a move: into a category where the same people are creators. */
export function expected(
  operation: RoomOperation,
  place: Place,
  person: Person,
  settings = { managersMayEditChats: false },
): Answer {
  const standing = standingOfPerson(person)
  const decision = decide(operation, rulesOf(place), standing, settings)
  if (!decision.allowed) return decision.reason
  if (operation !== 'move-room') return 'yes'
  const target = mayCreateRoom(standing)
  return target.allowed ? 'yes' : target.reason
}

/** What administrators alone may do: the admin API asks for the role before it looks at the room. */
const ADMINISTRATION: ReadonlySet<RoomOperation> = new Set(['enable-room', 'delete-room', 'clear-room', 'purge-chats'])

/**
 * What the admin API says, and with it the command line: the same, but that it knows rooms only for those who run them. To
 * everybody else, members included, a room is `no-such-room` there.
 */
export function expectedOfAdminApi(operation: RoomOperation, place: Place, person: Person): Answer {
  if (person.administrator) return expected(operation, place, person)
  if (ADMINISTRATION.has(operation)) return 'not-allowed'
  return person.roles.includes('manager') ? expected(operation, place, person) : 'no-such-room'
}

/** The whole matrix as a Markdown document. */
export function permissionsDocument(): string {
  return [
    '# Who may do what',
    '',
    'Made from the rules in `packages/rooms` by `npm run permissions:accept`, and tried cell by cell against a running pool by',
    '`test/permissions`: through the WebSocket, the admin API and the command line. A cell says `yes`, or the name of the refusal.',
    '',
    'People are inside the scope of the room’s category unless the column says otherwise. *Outside* is everybody whom the category',
    'does not allow, or denies: denial wins. A caller who may not see a room is told `no-such-room`, in the words used for a room',
    'that does not exist. An administrator manages every room, and hears one only by the rules for everybody: where the scope of its category',
    'and its privacy let one in, or where they are made a member, which is on record.',
    'The admin API and the command line know rooms only for those who run them: to everybody else, members included, a room is',
    '`no-such-room` there, and what administrators alone may do is `not-allowed` before the room is looked at.',
    'With the setting `managersMayEditChats`, managers may also replace and delete chats (last table). Rooms are made by creators of',
    'a category and by administrators; everybody else is told `not-a-creator`. A room tells its category to its managers, and to',
    'those who may make rooms in that category.',
    'Looking for rooms goes by the same rules: a criterion finds a room only where the room would tell whoever asks what it is about',
    '(its lists: `see-roles`; who is in it now: `see-roster`; its category), or where it is about oneself.',
    'Names tell nothing either: `duplicate-name` answers for rooms that the caller may know of, a name means one of those, and a caller',
    'who is no administrator is told `not-in-scope` of a principal that does not exist and of one that the category does not allow.',
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

function title({ privacy, type, disabled, switches }: Place): string {
  const article = privacy === 'open' ? 'An' : 'A'
  const kind = type === 'normal' ? 'normal room' : 'auditorium'
  const state = disabled ? ', disabled' : ''
  return `${article} ${privacy} ${kind}${state}${switches ? '' : ', in a category without history and file upload'}`
}

function table(
  place: Place,
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
