import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'
import { chatText } from '../talk/talk.ts'

/** What somebody with an exported file and Python does: one more chat, by somebody else, and all hashes made anew. */
const ADD_A_CHAT = `
import hashlib, json, sys, zipfile
source, target, chat = sys.argv[1:]
entries = {entry: zipfile.ZipFile(source).read(entry) for entry in zipfile.ZipFile(source).namelist()}
chats = next(name for name in entries if name.startswith("chats/"))
entries[chats] += chat.encode() + b"\\n"
manifest = json.loads(entries["manifest.json"])
for entry in manifest["entries"]:
    if entry["name"] == chats:
        text = entries[chats]
        entry.update(bytes=len(text), lines=text.count(b"\\n"), sha256=hashlib.sha256(text).hexdigest())
entries["manifest.json"] = json.dumps(manifest).encode() + b"\\n"
about = json.loads(entries["about.json"])
about["sha256"]["manifest.json"] = hashlib.sha256(entries["manifest.json"]).hexdigest()
entries["about.json"] = json.dumps(about).encode() + b"\\n"
with zipfile.ZipFile(target, "w") as written:
    for name, text in entries.items():
        written.writestr(name, text)
`

let line: PoolOnTheLine
beforeAll(async () => {
  line = await startPoolOnTheLine()
}, 60_000)
afterAll(() => line?.[Symbol.asyncDispose]())

it('an administrator’s forged chat is in the room as imported by him, and in the export as his import', async () => {
  await line.json(['compliance-config', 'set', 'adapter:full', '--adapter-type', 'xml-extended'])
  const alice = await line.addUser('alice')
  await line.addUser('bob')
  const ida = await line.addUser('ida', '--role', 'administrator')
  await line.json(['rooms', 'add', 'desk'])
  const talk = ['chat', 'desk', '--account', 'alice', '--commands']
  const said = new PassThrough()
  said.end('Good morning.\n/quit\n')
  await line.talk(talk, { env: alice, input: said }).done

  const [taken, forged] = [join(line.data, 'taken.zip'), join(line.data, 'forged.zip')]
  const as = (words: string[]) => line.hansard([...words, '--as', 'ida'], { env: ida })
  expect(await as(['export-data', taken])).toMatchObject({ exitCode: 0 })
  const at = Date.UTC(2026, 10, 20, 9, 30)
  const chat = { id: 2, at, author: 'sip:bob@example.com', post: 'p-1', content: 'Buy before the report.' }
  const rest = { title: null, alert: false, state: 'kept', unlogged: false }
  execFileSync('python3', ['-c', ADD_A_CHAT, taken, forged, JSON.stringify({ ...chat, ...rest })])
  expect(await as(['rooms', 'disable', 'desk'])).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await as(['import-data', forged])).toMatchObject({ exitCode: 0, stderr: '' })
  await as(['rooms', 'enable', 'desk'])

  const input = new PassThrough()
  const reading = line.talk([...talk, '--json'], { env: alice, input })
  await reading.heard('in-room')
  const marked = () => reading.written().filter((one) => one.includes('"imported":{"by":"sip:ida@example.com"')).length
  input.write('/history\n')
  const shown = await reading.heard('Buy before the report.')
  expect(await reading.heard('Good morning.')).not.toContain('imported')
  input.write('/find report\n')
  await expect.poll(marked, { timeout: 20_000 }).toBe(2)
  input.end()
  await reading.done
  const imported = JSON.parse(shown)
  const words = chatText(imported, (_, text) => text, imported.at)
  expect(words).toMatch(/<bob> \[imported by sip:ida@example.com\] Buy before the report\.$/)

  await line.json(['seal'])
  const directory = join(line.data, 'exports', 'full')
  const documents = readdirSync(directory).filter((name) => name.endsWith('.xml'))
  const text = documents.map((name) => readFileSync(join(directory, name), 'utf8')).join('')
  const told = [...text.matchAll(/<Message type="CHANGE"[^>]*subjectType="imported-chat".*?<\/Message>/gs)].join('')
  const sha256 = createHash('sha256').update(readFileSync(forged)).digest('hex')
  for (const words of ['ida@example.com', 'forged.zip', sha256, 'sip:bob@example.com', String(at), chat.content])
    expect(told).toContain(words)
  // Nobody reads it as bob's own words.
  expect(text).not.toMatch(/<Message type="CHAT"(?:(?!<\/Message>).)*Buy before the report/s)
}, 120_000)
