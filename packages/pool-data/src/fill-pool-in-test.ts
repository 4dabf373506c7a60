import { createHash } from 'node:crypto'
import { type FileStores, storedNameOf } from '@hansard/file-store'
import { newCategoryUri, newRoomUri } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { DOMAIN, NOW, type PoolInTest } from './pool-in-test.ts'

/** Texts that have caused faults before. */
/** What the user called the file of a filled pool. */
export const GIVEN_NAME = '..\\Größe &\0 \ud800価格\u202e.txt'

export const HOSTILE = [
  '\u0000 and then some',
  'half \ud800 a pair, and the other \udfff half',
  'lines\r\nand\u2028separators\u2029\u0085',
  '\u202eright to left\u202c \ufeff',
  '🧑‍🚒 \u{10ffff} \ufffe',
  `"quotes" \\ 'and' </script><!-- ]]> &amp; \u007f`,
  '{"json": [1, 2, 3]}',
  ' ',
  'x'.repeat(65_536),
]

export type Filled = { readonly desk: number; readonly secret: number; readonly chats: number; readonly file: string }

/** A pool with one row of everything, inserted without the record writer. */
export async function fillPool({ db, fileStores }: PoolInTest): Promise<Filled> {
  const { knex } = db
  const insert = async (table: string, row: object): Promise<number> => {
    const [made]: { id: number }[] = await knex(table).insert(row).returning('id')
    return made!.id
  }
  const policy = await insert('policy', { identity: 'Traders', description: 'may chat', enabled: true })
  const person = (uri: string, type: string, more: object = {}) =>
    insert('principal', {
      uri,
      account: uri.startsWith('sip:') ? decodeURIComponent(uri.slice(4, uri.lastIndexOf('@'))) : uri,
      type,
      domain: uri.slice(uri.lastIndexOf('@') + 1),
      display_name: `Mr. ${uri}`,
      secret: type === 'user' ? `scrypt$SECRET-OF-${uri}` : '',
      created_at: NOW,
      ...more,
    })
  const alice = await person(`sip:alice@${DOMAIN}`, 'user', { email: 'a@x', policy_id: policy, last_invitation_id: 3 })
  const bob = await person(`sip:b%C3%B6b%20%F0%9F%98%80@${DOMAIN}`, 'user', { disabled: true })
  const partner = await person('sip:carol@partner.test', 'user', { internal: false })
  const everybody = await person(`ma-grp:*@${DOMAIN}`, 'domain')
  const inner = await person(`ma-grp:inner@${DOMAIN}`, 'group')
  const outer = await person(`ma-grp:outer%20ring@${DOMAIN}`, 'group')
  await knex('pool_role').insert([
    { principal_id: alice, role: 'officer' },
    { principal_id: alice, role: 'auditor' },
  ])
  await knex('group_member').insert([
    { group_id: outer, member_id: inner },
    { group_id: inner, member_id: alice },
    { group_id: outer, member_id: partner },
  ])
  const general: { id: number } = await knex('category').where({ name: 'General' }).first('id')
  const wall = await insert('category', {
    uri: newCategoryUri(DOMAIN),
    name: 'Research wall',
    description: 'nobody of trading',
    invitations: true,
    file_upload: true,
    chat_history: false,
    created_at: NOW - 5,
  })
  await knex('category_scope').insert([
    { category_id: general.id, principal_id: everybody, list: 'allowed' },
    { category_id: wall, principal_id: outer, list: 'allowed' },
    { category_id: wall, principal_id: bob, list: 'denied' },
    { category_id: wall, principal_id: alice, list: 'creator' },
  ])
  const addIn = await insert('add_in', { name: 'Prices', url: 'https://prices.test/' })
  await insert('endpoint', { uri: `sip:ocschat@${DOMAIN}`, display_name: 'Old clients' })
  await knex('pool_configuration').insert({
    identity: 'global',
    settings: '{"chatBytesMax":512,"roomManagementUrl":""}',
  })
  const room = (name: string, categoryId: number, more: object = {}) =>
    insert('room', {
      uri: newRoomUri(DOMAIN),
      name,
      category_id: categoryId,
      privacy: 'open',
      created_at: NOW - 1,
      ...more,
    })
  const desk = await room('desk', general.id, { topic: 'prices', description: 'a desk', add_in_id: addIn })
  const secret = await room('secret', wall, { privacy: 'secret', type: 'auditorium', invitations: 'off' })
  const closed = await room('closed', general.id, { privacy: 'closed', disabled: true })
  await room('deleted', general.id, { deleted_at: NOW })
  await knex('room_role').insert([
    { room_id: secret, principal_id: alice, role: 'member' },
    { room_id: secret, principal_id: outer, role: 'presenter' },
    { room_id: closed, principal_id: bob, role: 'manager' },
  ])
  await knex('followed_room').insert({ principal_id: alice, room_id: desk })
  await knex('read_mark').insert({ principal_id: alice, room_id: desk, chat_id: 4 })
  await knex('feed').insert({
    principal_id: alice,
    name: 'prices',
    filter: '{"words":["gilt"],"authors":[],"ego":false}',
  })
  await knex('preference').insert({ principal_id: alice, label: 'kedzie.GroupChannels', version: 2, content: '"eA=="' })
  await knex('invitation').insert({
    principal_id: alice,
    invitation_id: 3,
    room_id: secret,
    inviter_uri: `sip:gone@${DOMAIN}`,
    inviter_name: 'Gone',
    created_at: NOW,
  })
  const stores = await fileStores()
  const bytes = Buffer.from('the bytes of a file')
  const names = { name: 'Größe & 価格.txt', givenName: GIVEN_NAME }
  const file = await addFile({ knex, stores, roomId: desk, principalId: alice, ...names, bytes })
  let chats = await addChats(knex, desk, [alice, partner], HOSTILE)
  chats += await addChats(knex, secret, [alice], ['off the record'], { unlogged: true })
  chats += await addChats(knex, closed, [bob], ['before it closed'])
  await knex('chat')
    .where({ room_id: desk, chat_id: 3 })
    .update({ state: 'replaced', content: '"replaced by \\u0000"' })
  await knex('chat').where({ room_id: desk, chat_id: 4 }).update({ state: 'purged', content: '""' })
  await knex('chat')
    .where({ room_id: desk, chat_id: 5 })
    .update({ alert: true, title: JSON.stringify('A story \ud800') })
  return { desk, secret, chats, file }
}

/** Records a file and stores its bytes in the pool's file store. Returns its stored name. */
export async function addFile(options: {
  knex: Knex
  stores: FileStores
  roomId: number
  principalId: number
  name: string
  givenName?: string
  bytes: Buffer
}): Promise<string> {
  const { knex, stores, roomId, principalId, name, givenName = name, bytes } = options
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const id = crypto.randomUUID()
  const storedName = storedNameOf(id, name)
  await stores.files.place(storedName, one(bytes), { size: bytes.length, sha256 })
  await knex('file').insert({
    id,
    room_id: roomId,
    principal_id: principalId,
    file_name: JSON.stringify(name),
    given_name: JSON.stringify(givenName),
    stored_name: storedName,
    size: bytes.length,
    sha256,
    state: 'kept',
    created_at: NOW,
    expires_at: NOW,
    ended_at: NOW,
  })
  return storedName
}

/** Appends chats to a room; returns how many. */
export async function addChats(
  knex: Knex,
  roomId: number,
  authors: readonly number[],
  texts: readonly string[],
  more: object = {},
): Promise<number> {
  const { last_chat_id: last }: { last_chat_id: number } = await knex('room')
    .where({ id: roomId })
    .first('last_chat_id')
  const rows = texts.map((text, n) => ({
    room_id: roomId,
    chat_id: last + n + 1,
    posted_at: NOW + n,
    principal_id: authors[n % authors.length],
    post: `p-${last + n + 1}`,
    content: JSON.stringify(text),
    ...more,
  }))
  for (let from = 0; from < rows.length; from += 200) await knex('chat').insert(rows.slice(from, from + 200))
  await knex('room')
    .where({ id: roomId })
    .update({ last_chat_id: last + texts.length })
  return texts.length
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
