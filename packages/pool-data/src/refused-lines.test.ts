import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identitiesOf, loadScope } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillPool } from './fill-pool-in-test.ts'
import { DataFileError } from './index.ts'
import { contentsOfZip, openPoolInTest, type PoolInTest } from './pool-in-test.ts'
import { alterZip } from './zip-in-test.ts'

type Line = Record<string, unknown>

describe('a line that a command would refuse', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let zip: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-refused-'))
    zip = join(directory, 'one.zip')
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest('sqlite', 'two')
    await fillPool(one)
    await one.exportTo(zip)
  })
  afterEach(async () => {
    await one.close()
    await two.close()
    await rm(directory, { recursive: true, force: true })
  })
  /** The file with one line altered, and that line's number; the order of lines stays. */
  const altered = async (entry: string, which: (line: Line) => boolean, more: Line) => {
    const holds = ([name, text]: readonly [string, string]) =>
      name.startsWith(entry) && text.split('\n').some((line) => line !== '' && which(JSON.parse(line) as Line))
    const name = [...(await contentsOfZip(zip))].find(holds)![0]
    let number = 0
    const path = await alterZip(zip, join(directory, `${crypto.randomUUID()}.zip`), (entries) => {
      const text = Buffer.from(entries.get(name)!, 'latin1').toString('utf8')
      const lines = text.split('\n').slice(0, -1)
      number = lines.findIndex((line) => which(JSON.parse(line) as Line)) + 1
      const line = JSON.parse(lines[number - 1]!) as Line
      lines[number - 1] = JSON.stringify({ ...line, ...more })
      entries.set(name, Buffer.from(lines.map((each) => `${each}\n`).join(''), 'utf8').toString('latin1'))
    })
    return { path, name, number }
  }
  const any = () => true
  const named = (name: string) => (line: Line) => line['name'] === name || line['account'] === name
  const long = 'x'.repeat(257)

  it.each<[string, string, (line: Line) => boolean, Line, RegExp]>([
    ['a policy’s description', 'data/policies', any, { description: long }, /at most 256 characters/],
    ['a name of an account', 'data/principals', named('alice'), { displayName: long }, /at most 256/],
    ['an address', 'data/principals', named('alice'), { email: 'x'.repeat(321) }, /at most 320/],
    ['a domain', 'data/principals', named('alice'), { domain: 'a b' }, /is no domain/],
    ['an account of another URI', 'data/principals', named('alice'), { account: 'alicia' }, /no URI of the account/],
    ['roles of a group', 'data/principals', (line) => line['type'] === 'group', { roles: ['auditor'] }, /Only users/],
    ['an add-in that runs', 'data/add-ins', any, { url: 'javascript:alert(1)' }, /no http or https address/],
    ['an add-in that is no address', 'data/add-ins', any, { url: 'http://' }, /no http or https address/],
    ['an endpoint', 'data/endpoints', any, { displayName: long }, /at most 256/],
    ['a setting out of range', 'data/configuration', any, { settings: { searchLimit: 1_000 } }, /from 1 to 999/],
    ['a setting of another kind', 'data/configuration', any, { settings: { chatBytesMax: '9' } }, /whole number/],
    ['no setting at all', 'data/configuration', any, { settings: { admin: true } }, /There is no setting "admin"/],
    ['an identity', 'data/configuration', any, { identity: 'globule' }, /none of global/],
    ['an address of pages', 'data/configuration', any, { settings: { roomManagementUrl: 'ftp://x' } }, /no http/],
    ['a category’s name', 'data/categories', named('General'), { name: 'sip:x' }, /begin like a URI/],
    ['a category’s description', 'data/categories', named('General'), { description: long }, /at most 256/],
    ['a room’s name', 'data/rooms', named('desk'), { name: ' desk' }, /begin or end with a space/],
    ['a room’s topic', 'data/rooms', named('desk'), { topic: long }, /A topic may have at most 256/],
    ['a room’s description', 'data/rooms', named('desk'), { description: '\u0000' }, /no database keeps/],
    [
      'a presenter in a room that is none',
      'data/room-roles',
      (line) => line['role'] === 'manager',
      { role: 'presenter' },
      /Only an auditorium/,
    ],
    [
      'a feed that looks for nothing',
      'data/feeds',
      any,
      { filter: '{"words":[],"authors":[],"ego":false}' },
      /needs words/,
    ],
    ['a feed that is none', 'data/feeds', any, { filter: '[]' }, /takes words, authors and ego/],
    ['a preference’s label', 'data/preferences', any, { label: long }, /at most 256/],
    ['a preference that cannot be read', 'data/preferences', any, { content: 'eA==' }, /no text written as JSON/],
    ['a preference of any size', 'data/preferences', any, { content: JSON.stringify('x'.repeat(131_073)) }, /131072/],
    ['a file called something longer than any', 'data/files', any, { givenName: 'x'.repeat(1_025) }, /1024 characters/],
    ['a file under a name of another', 'data/files', any, { fileName: 'a.exe' }, /stored name/],
    [
      'a chat longer than any',
      'chats/',
      (line) => line['state'] === 'kept',
      { content: 'x'.repeat(262_145) },
      /262145 bytes/,
    ],
    ['a chat without a text', 'chats/', (line) => line['state'] === 'kept', { content: '' }, /has no text/],
  ])('is skipped and reported, by a dry run too: %s', async (_, entry, which, more, words) => {
    const { path, name, number } = await altered(entry, which, more)
    const [tried, done] = [await two.importFrom(path, { dryRun: true }), await two.importFrom(path)]

    expect(tried).toEqual({ ...done, what: 'dry-run' })
    const about = done.problems.filter(({ problem }) => words.test(problem))
    expect(about, JSON.stringify(done.problems)).toHaveLength(1)
    // A category that takes a room's name does no harm to itself: the room then has none.
    if (more['name'] === 'desk') return expect(done.counts['rooms']).toMatchObject({ left: 1 })
    expect(about[0]).toMatchObject({ entry: name, line: number })
    const kind = name.startsWith('chats/') ? 'chats' : /^data\/(.*)\.jsonl$/.exec(name)![1]!
    expect(done.counts[kind]).toMatchObject({ left: 1 })
  })

  it('leaves its number and name unused: marks stay within the chats, invitations continue their numbers', async () => {
    const { path } = await altered('data/read-marks', any, { chat: 1_000 })
    await two.importFrom(path)
    const { last_chat_id: last, id } = await two.db.knex('room').where({ name: 'desk' }).first('id', 'last_chat_id')
    expect(await two.db.knex('read_mark').where({ room_id: id }).select('chat_id')).toEqual([{ chat_id: last }])

    await two.importFrom(zip)
    expect(await two.db.knex('read_mark').where({ room_id: id }).select('chat_id')).toEqual([{ chat_id: last }])
    await two.db.knex('principal').where({ account: 'alice' }).update({ last_invitation_id: 1 })
    await two.db.knex('invitation').delete()
    await two.importFrom(zip)
    expect(await two.db.knex('principal').where({ account: 'alice' }).first('last_invitation_id')).toEqual({
      last_invitation_id: 3,
    })
  })

  it('does not open a wall: a domain is in lower case, however it is spelt', async () => {
    const spelt = await respelt(
      /"sip:carol@partner\.test"/g,
      '"sip:carol@PARTNER.Test"',
      /"domain":"partner\.test"/g,
      '"domain":"Partner.TEST"',
    )
    const [tried, done] = [await two.importFrom(spelt, { dryRun: true }), await two.importFrom(spelt)]

    expect(tried).toEqual({ ...done, what: 'dry-run' })
    expect(done.problems).toEqual([])
    const carol = await two.db.knex('principal').where({ account: 'carol' }).first('id', 'uri', 'domain')
    expect(carol).toMatchObject({ uri: 'sip:carol@partner.test', domain: 'partner.test' })
    const { id: wall } = await two.db.knex('category').where({ name: 'Research wall' }).first('id')
    const scope = await loadScope(two.db.knex as never, wall)
    expect([...(await identitiesOf(two.db, carol.id))].some((id) => scope.allowed.has(id))).toBe(true)
    expect(await two.db.knex('chat').where({ principal_id: carol.id })).not.toEqual([])
    const again = join(directory, 'again.zip')
    await two.exportTo(again)
    const lines = (path: string) => contentsOfZip(path).then((all) => all.get('data/principals.jsonl'))
    expect(await lines(again)).toBe(await lines(zip))
  })

  it('is refused completely when a user occurs twice with two spellings of the domain', async () => {
    const twice = await alterZip(zip, join(directory, 'twice.zip'), (entries) => {
      const lines = entries.get('data/principals.jsonl')!.split('\n').slice(0, -1)
      const carol = lines.find((line) => line.includes('sip:carol@'))!
      lines.push(carol.replaceAll('partner.test', 'Partner.test'))
      lines.sort((a, b) => ((JSON.parse(a) as Line)['uri']! < (JSON.parse(b) as Line)['uri']! ? -1 : 1))
      entries.set('data/principals.jsonl', lines.map((line) => `${line}\n`).join(''))
    })
    const error = await two.importFrom(twice).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DataFileError)
    expect((error as Error).message).toMatch(/^data\/principals\.jsonl, line \d+: sip:carol@.* are one/)
  })

  /** The file with texts replaced everywhere, each entry sorted again. */
  async function respelt(...pairs: (RegExp | string)[]): Promise<string> {
    return alterZip(zip, join(directory, 'respelt.zip'), (entries) => {
      for (const [name, text] of entries) {
        if (!name.endsWith('.jsonl')) continue
        let changed = text
        for (let at = 0; at < pairs.length; at += 2) changed = changed.replace(pairs[at]!, pairs[at + 1] as string)
        entries.set(name, changed)
      }
    })
  }
})
