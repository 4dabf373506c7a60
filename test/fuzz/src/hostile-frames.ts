import type { Random } from '@hansard/test-pool'

/** What the hostile client knows or guessed: URIs of rooms it is not in, chat ids, files. */
export type Knowledge = {
  readonly rooms: readonly string[]
  readonly people: readonly string[]
  readonly files: readonly string[]
}

const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u2066evil\u2069',
  "'; drop table chat; --",
  '" or 1=1 --',
  '%_%',
  '\\',
  '*',
  '"',
  'NEAR(a b)',
  'a AND b OR NOT c',
  '({[<',
  '{{7*7}}',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '<script>alert(1)</script>',
  '&amp;&#0;<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  '1e309',
  '-0',
  '🏇'.repeat(40),
  'ﷺ'.repeat(50),
  'x'.repeat(5_000),
  'word '.repeat(900),
]
const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  { length: 1e9 },
  { toString: 'x' },
  { __proto__: { admin: true } },
  ['a', 1, null, {}],
]

/** A hostile frame: sometimes almost valid, sometimes not even JSON. */
export function hostileFrame(random: Random, known: Knowledge): string {
  const kind = random.below(10)
  if (kind === 0) return notJson(random)
  const message = plausibleMessage(random, known)
  if (kind <= 3) return JSON.stringify(message)
  if (kind === 4) return nested(random, random.below(2_000))
  if (kind === 5) return twice(JSON.stringify(message), random)
  for (let n = 1 + random.below(3); n > 0; n--) spoil(random, message, known)
  return JSON.stringify(message)
}

/** A message that is valid under the schema, about rooms, users and chats that the sender may not see. */
function plausibleMessage(random: Random, known: Knowledge): Record<string, unknown> {
  const room = () => random.pick(known.rooms)
  const person = () => random.pick(known.people)
  const text = () => random.pick(HOSTILE_TEXTS).slice(0, 256) || 'x'
  const filter = () => ({
    words: random.pick(HOSTILE_TEXTS).slice(0, 1_024),
    match: random.pick(['all', 'any', 'phrase']),
    caseSensitive: random.chance(0.5),
    ...(random.chance(0.3) ? { authors: [person()] } : {}),
    ...(random.chance(0.3) ? { from: random.below(2 ** 31), to: random.below(2 ** 31) } : {}),
  })
  const messages: readonly (() => Record<string, unknown>)[] = [
    () => ({ t: 'sign-in', account: text(), password: text() }),
    () => ({ t: 'sign-in', token: text() }),
    () => ({ t: 'ping' }),
    () => ({ t: 'join', room: room(), after: random.below(10) }),
    () => ({ t: 'part', room: room() }),
    () => ({ t: 'post', room: room(), post: `p${random.below(1e9)}`, text: text(), alert: random.chance(0.5) }),
    () => ({ t: 'post', room: room(), post: 'again', text: text(), again: true, title: text() }),
    () => ({ t: 'replace-chat', room: room(), chat: random.below(20), text: text(), title: text() }),
    () => ({ t: 'delete-chat', room: room(), chat: random.below(20) }),
    () => ({ t: 'history', room: room(), limit: 1 + random.below(1_000), before: random.below(100) }),
    () => ({ t: 'search', rooms: [room()], filter: filter(), order: random.pick(['newest', 'oldest']) }),
    () => ({ t: 'search', filter: filter(), limit: 1 + random.below(2_000), after: text() }),
    () => ({ t: 'roster', room: room() }),
    () => ({ t: 'rooms', all: true, text: text(), match: random.pick(['all', 'any', 'exact']), inDescription: true }),
    () => ({ t: 'rooms', all: true, joined: person(), category: text(), disabled: random.chance(0.5) }),
    () => ({ t: 'rooms', member: person(), managed: random.chance(0.5), after: text() }),
    () => ({ t: 'room', room: room() }),
    () => ({ t: 'categories' }),
    () => ({ t: 'add-ins' }),
    () => ({ t: 'create-room', category: text(), name: text(), members: [person()] }),
    () => ({ t: 'change-room', room: room(), name: text(), topic: text(), category: text() }),
    () => ({ t: 'change-roles', room: room(), role: 'member', add: [person()], remove: [] }),
    () => ({ t: random.pick(['disable-room', 'enable-room', 'delete-room']), room: room() }),
    () => ({ t: 'clear-room', room: room(), through: Number.MAX_SAFE_INTEGER }),
    () => ({ t: 'purge-chats', room: room(), filter: filter(), replacement: text() }),
    () => ({ t: 'eligible', room: room(), text: '*', presenters: true }),
    () => ({ t: 'eligible', category: text(), text: '*' }),
    () => ({ t: random.pick(['follow', 'unfollow', 'watch', 'unwatch']), room: room() }),
    () => ({ t: random.pick(['followed', 'feeds']) }),
    () => ({ t: 'mark-read', room: room(), chat: random.below(100) }),
    () => ({ t: 'put-feed', name: text(), filter: { words: [text()], authors: [person()], ego: true } }),
    () => ({ t: random.pick(['delete-feed', 'open-feed']), name: text() }),
    () => ({ t: 'invitations', after: 0, limit: 500 }),
    () => ({ t: 'preference', label: text() }),
    () => ({ t: 'put-preference', label: text(), version: random.below(3), content: text() }),
    () => ({ t: 'upload-token', room: room(), fileName: text(), size: random.below(100) }),
    () => ({ t: 'download-token', room: room(), file: random.pick(known.files) }),
  ]
  return { id: random.below(1e6), ...random.pick(messages)() }
}

function spoil(random: Random, message: Record<string, unknown>, known: Knowledge): void {
  const names = Object.keys(message)
  const name = random.pick(names)
  switch (random.below(5)) {
    case 0:
      delete message[name]
      break
    case 1:
      message[name] = random.pick(HOSTILE_VALUES)
      break
    case 2:
      message[name] = random.pick(HOSTILE_TEXTS)
      break
    case 3:
      message[random.pick(['admin', 'principal', 're', 'rights', '__proto__', 'session'])] = random.pick(HOSTILE_VALUES)
      break
    default:
      message[name] = random.pick([...known.rooms, ...known.people, ...known.files])
  }
}

function notJson(random: Random): string {
  return random.pick([
    '',
    '{',
    '[',
    'null',
    '0',
    '"x"',
    '{"t":"ping","id":1}{"t":"ping","id":2}',
    '\u0000\u0001\u0002',
    'NaN',
    '{"t":"ping","id":1,}',
    `${'['.repeat(random.below(50_000))}`,
    `{"t":"ping","id":${'9'.repeat(400)}}`,
    `{"t":"${'x'.repeat(random.below(20_000))}","id":1}`,
  ])
}

/** Written as text: the time `JSON.stringify` takes grows with the square of the depth. */
function nested(random: Random, depth: number): string {
  let text = '{"t":"ping","id":1}'
  for (let n = 0; n < depth; n++) text = random.chance(0.5) ? `[${text}]` : `{"t":${text},"id":1}`
  return text
}

function twice(text: string, random: Random): string {
  const at = random.below(text.length)
  return text.slice(0, at) + random.pick(['"', '\\', '\u0000', '}', ',', '\ud83d', text]) + text.slice(at)
}
