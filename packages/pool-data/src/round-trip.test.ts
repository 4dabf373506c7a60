import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { indexChats } from '@hansard/chat-index'
import type { ComplianceEvent } from '@hansard/compliance-event'
import { listOf, poolStateFrom, subjectsOf } from '@hansard/test-pool-state'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addChats, type Filled, fillPool, GIVEN_NAME, HOSTILE } from './fill-pool-in-test.ts'
import { contentsOfZip, DOMAIN, dataOfZip, openPoolInTest, type PoolInTest } from './pool-in-test.ts'

describe.each([
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
] as const)('data from %s into %s', (from, to) => {
  let one: PoolInTest
  let two: PoolInTest
  let filled: Filled
  let directory: string
  let zip: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-zip-'))
    zip = join(directory, 'one.zip')
    one = await openPoolInTest(from, 'one')
    two = await openPoolInTest(to, 'two')
    filled = await fillPool(one)
    await addChats(
      one.db.knex,
      filled.desk,
      [one.admin.id],
      Array.from({ length: 700 }, (_, n) => `chat ${n}`),
    )
    await one.exportTo(zip, { fileStore: (await one.fileStores()).files })
  })
  afterAll(async () => {
    await one?.close()
    await two?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('is predicted exactly by a dry run, which changes nothing', async () => {
    const before = await everyRow(two)
    const tried = await two.importFrom(zip, { dryRun: true, fileStores: await two.fileStores() })
    expect(await everyRow(two)).toEqual(before)
    expect(await two.events()).toEqual([])

    const done = await two.importFrom(zip, { fileStores: await two.fileStores() })
    expect(tried).toEqual({ ...done, what: 'dry-run' })
    expect(done.problems).toEqual([])
    expect(done.counts['chats']).toEqual({ made: filled.chats + 700 })
    expect(done.counts['principals']).toEqual({ made: 6, same: 1 })
  })

  it('is exported again byte for byte', async () => {
    const again = join(directory, 'two.zip')
    await two.exportTo(again, { fileStore: (await two.fileStores()).files })

    expect(await dataOfZip(again)).toEqual(await dataOfZip(zip))
  })

  it('stores the bytes of files in the pool’s file store and in the compliance file store', async () => {
    for (const store of Object.values(await two.fileStores())) {
      const opened = await store.open(filled.file)
      expect(String(await buffer(opened!.read(0, opened!.size - 1)))).toBe('the bytes of a file')
      await opened!.close()
    }
  })

  it('changes and records nothing the second time', async () => {
    const events = (await two.events()).length
    const report = await two.importFrom(zip, { fileStores: await two.fileStores() })

    expect(report.problems).toEqual([])
    for (const outcomes of Object.values(report.counts)) expect(Object.keys(outcomes)).toEqual(['same'])
    expect(await two.events()).toHaveLength(events)
    expect(await two.db.knex('import_progress')).toEqual([])
  })

  it('keeps what the user called a file, exactly', async () => {
    const file: { given_name: string } = await two.db.knex('file').first('given_name')
    expect(JSON.parse(file.given_name)).toBe(GIVEN_NAME)
  })

  it('preserves every text', async () => {
    const rows: { content: string }[] = await two.db
      .knex('chat')
      .join('room', 'room.id', 'chat.room_id')
      .where({ name: 'desk' })
      .andWhere('chat_id', '<=', HOSTILE.length)
      .orderBy('chat_id')
      .select('content')
    const texts = rows.map((row) => JSON.parse(row.content) as string)
    expect(texts).toEqual(HOSTILE.with(2, 'replaced by \0').with(3, ''))
  })

  it('records everything it created, and no chat as posted now', async () => {
    const events = await two.events()
    expect(new Set(events.map((event) => event.kind))).toEqual(new Set(['change']))
    const told = events.flatMap((event) => (event.kind === 'change' ? [event] : []))
    for (const event of told) expect(event.principal.uri).toBe(two.admin.uri)
    const imported = told.filter((event) => event.subject.name === 'desk' && 'importedChats' in event.after)
    expect(imported.reduce((sum, event) => sum + Number(event.after['importedChats']), 0)).toBe(HOSTILE.length + 700)
    expect(imported[0]!.after).toMatchObject({
      firstChatId: 1,
      importedSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(told.find((event) => event.subject.name === 'desk' && event.action === 'created')?.after).toMatchObject({
      category: expect.stringMatching(/^ma-cat:/),
      addIn: 'Prices',
      disabled: true,
    })
    expect(told.find((event) => event.after['allowed'])).toBeDefined()
  })

  it('records changes that imply exactly the resulting state', async () => {
    const state = poolStateFrom(await inOrder(two))
    const subject = (type: 'room' | 'category' | 'group', name: string) =>
      [...subjectsOf(state, type).values()].find((each) => each.name === name && !each.deleted)
    expect(subject('room', 'desk')?.properties).toMatchObject({ disabled: false, topic: 'prices', lastChatId: 709 })
    expect(subject('room', 'closed')?.properties).toMatchObject({ disabled: true, managers: [expect.any(String)] })
    expect(listOf(subject('category', 'Research wall'), 'allowed')).toEqual([`ma-grp:outer%20ring@${DOMAIN}`])
    expect(listOf(subject('category', 'Research wall'), 'creators')).toEqual([`sip:alice@${DOMAIN}`])
    expect(listOf(subject('group', `Mr. ma-grp:outer%20ring@${DOMAIN}`), 'members')).toHaveLength(2)
    expect([...subjectsOf(state, 'category').values()].filter((each) => each.deleted)).toHaveLength(1)
  })

  it('is indexed for search like every other chat', async () => {
    const { indexed, waiting } = await indexChats(two.db, { limit: 10_000, atLeast: 1 })
    expect(waiting).toBe(0)
    expect(indexed).toBe(filled.chats + 700)
  })

  it('exports no secret, and creates no usable one', async () => {
    for (const content of (await contentsOfZip(zip)).values()) {
      expect(content).not.toContain('SECRET-OF')
      expect(content).not.toContain('key$x')
    }
    const rows: { uri: string; secret: string }[] = await two.db
      .knex('principal')
      .where({ type: 'user' })
      .select('uri', 'secret')
    for (const { uri, secret } of rows)
      expect(secret).toMatch(uri === two.admin.uri ? /^key\$x$/ : /^key\$[0-9a-f]{64}$/)
  })

  it('can be read with a zip and a JSON library, from the documentation alone', async () => {
    const script = join(directory, 'read.py')
    await writeFile(script, READER)
    const out = execFileSync('python3', [script, zip], { encoding: 'utf8' })
    expect(JSON.parse(out)).toEqual({
      entries: (JSON.parse((await contentsOfZip(zip)).get('manifest.json')!) as { entries: object[] }).entries.length,
      first: HOSTILE[0],
      surrogate: true,
      purged: '',
    })
  })
})

const READER = `
import hashlib, json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
about = json.loads(z.read("about.json"))
for name, digest in about["sha256"].items():
    assert hashlib.sha256(z.read(name)).hexdigest() == digest, name
manifest = json.loads(z.read("manifest.json"))
assert manifest["format"] == "hansard-data/2"
for entry in manifest["entries"]:
    data = z.read(entry["name"])
    assert len(data) == entry["bytes"] and hashlib.sha256(data).hexdigest() == entry["sha256"], entry
    if entry["lines"] is not None:
        assert data.count(b"\\n") == entry["lines"]
lines = lambda name: [json.loads(line) for line in z.read(name).decode("utf-8").split("\\n")[:-1]]
room = next(room for room in lines("data/rooms.jsonl") if room["name"] == "desk")
chats = lines("chats/" + room["uri"].split("/")[-1] + ".jsonl")
print(json.dumps({"entries": len(manifest["entries"]), "first": chats[0]["content"],
    "surrogate": "\\ud800" in chats[1]["content"], "purged": chats[3]["content"]}))
`

async function inOrder(pool: PoolInTest): Promise<ComplianceEvent[]> {
  return (await pool.events()).sort((a, b) => a.room.seq - b.room.seq)
}

async function everyRow({ db }: PoolInTest): Promise<Record<string, unknown>> {
  const tables = ['principal', 'pool_role', 'group_member', 'category', 'category_scope', 'room', 'room_role', 'chat']
  const more = [
    'policy',
    'endpoint',
    'add_in',
    'file',
    'feed',
    'preference',
    'import_progress',
    'import_made',
    'source',
  ]
  const found: Record<string, unknown> = {}
  for (const table of [...tables, ...more])
    found[table] = (await db.knex(table)).map((row) => JSON.stringify(row)).sort()
  return found
}
