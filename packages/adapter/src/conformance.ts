import assert from 'node:assert/strict'
import { type ComplianceEvent, EVENT_KINDS, type EventKind, type EventPrincipal } from '@hansard/compliance-event'
import type { RoomSlice } from '@hansard/conversation'
import type { Adapter, AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
import { elementsByPython, wellFormednessProblem } from './oracles.ts'
import { renderScenario, type Scenario } from './scenario.ts'
import { visibleText } from './xml-text.ts'
import { openXsltEngine, type XsltEngine } from './xslt-engine.ts'

export {
  canonicalXml,
  type Element,
  elementsByPython,
  elementsOfAllByPython,
  schemaProblem,
  schemaProblems,
  wellFormednessProblem,
  xsltproc,
  xsltprocOfAll,
} from './oracles.ts'
export { loadScenario, renderScenario, type Scenario } from './scenario.ts'

/**
 * What every adapter must promise, one check each; docs/adapter-spec.md gives the reasons. The numbers are those of
 * that page.
 *
 *     for (const { name, check } of adapterPromises(actiance)) it(name, check)
 *
 * `hostile` are texts that users have typed; the repository's are in fixtures/hostile.
 */
export function adapterPromises(adapter: Adapter, { hostile }: { hostile: readonly string[] }): AdapterPromise[] {
  const promise = (name: string, check: (engine: XsltEngine) => Promise<void>): AdapterPromise => ({
    name: `${adapter.name} ${name}`,
    async check() {
      const engine = await openXsltEngine()
      try {
        await check(engine)
      } finally {
        await engine.close()
      }
    },
  })
  const render = async (scenario: Partial<Scenario>, engine: XsltEngine): Promise<ExportFile[]> => {
    const files: ExportFile[] = []
    for await (const file of renderScenario(adapter, { ...EMPTY, ...scenario }, engine)) files.push(file)
    return files
  }
  const optionsWith = (options: Partial<AdapterOptions>) => ({ ...OPTIONS, ...options })

  return [
    promise('makes the same bytes of the same events [1]', async (engine) => {
      const events = oneOfEach()
      const first = await render({ events }, engine)
      await render({ events: events.slice(1) }, engine)
      const other = await openXsltEngine()
      try {
        assert.deepEqual(await render({ events }, other), first)
        assert.deepEqual(await render({ events }, engine), first)
      } finally {
        await other.close()
      }
    }),

    promise('shows every kind of event or says that it leaves it out [2]', async (engine) => {
      const nothing = await render({}, engine)
      for (const kind of EVENT_KINDS) {
        const files = await render({ events: [eventOf(kind, 1)] }, engine)
        const shown = files.reduce((sum, file) => sum + file.events, 0)
        assert.equal(shown, adapter.includesKind(kind) ? 1 : 0, `${kind}: it counts ${shown} events`)
        assert.ok(
          files.every(({ role }) => role === 'document'),
          `${kind}: an attachments file that nobody asked for`,
        )
        if (!adapter.includesKind(kind)) continue
        assert.notDeepEqual(files[0]!.bytes, nothing[0]!.bytes, `${kind} leaves no trace`)
        assert.ok(textOf(files).includes(ADDRESS), `${kind}: nobody can tell who it was`)
        if (kind === 'chat-replaced' || kind === 'chat-purged') {
          assert.ok(
            textOf(files).includes(AUTHOR.uri.slice('sip:'.length)),
            `${kind}: nobody can tell whose words they were`,
          )
        }
        if (kind === 'change') assert.ok(textOf(files).includes('topic'), 'change: nobody can tell what was changed')
      }
    }),

    promise('makes one file of an interval in which nothing happened [3]', async (engine) => {
      const files = await render({}, engine)
      assert.deepEqual(
        files.map(({ name, events }) => ({ name, events })),
        [{ name: `${CONTEXT.stem}-0001.${adapter.extension}`, events: 0 }],
      )
    }),

    promise('puts no more events into a file than it may, and loses none [4]', async (engine) => {
      const events = Array.from({ length: 23 }, (_, index) => eventOf('chat', index + 1))
      const files = await render({ events, options: optionsWith({ eventsPerFileMax: 5 }) }, engine)
      assert.ok(files.every((file) => file.events <= 5))
      assert.equal(
        files.reduce((sum, file) => sum + file.events, 0),
        events.length,
      )
    }),

    promise('gives every room a file of its own when asked [5]', async (engine) => {
      const events = ['a', 'b', 'c'].flatMap((room) => [1, 2].map((seq) => eventOf('chat', seq, { room })))
      const files = await render({ events, options: optionsWith({ oneChatRoomPerOutputFile: true }) }, engine)
      assert.deepEqual(
        files.map((file) => file.events),
        [2, 2, 2],
      )
    }),

    promise('lists file transfers beside the document that tells them, when asked [9]', async (engine) => {
      const kinds = ['file-upload', 'chat', 'file-download', 'file-upload', 'chat'] as const
      const events = kinds.map((kind, index) => eventOf(kind, index + 1))
      const options = optionsWith({ createFileAttachmentsManifest: true, eventsPerFileMax: 2 })
      const files = await render({ events, options }, engine)
      const listed = files.filter(({ role }) => role === 'attachments')
      assert.deepEqual(
        listed.map(({ name, events }) => ({ name, events })),
        (adapter.includesKind('file-upload') ? [1, 2] : []).map((number) => ({
          name: `${CONTEXT.stem}-000${number}.${adapter.extension}.ATTACH`,
          events: number === 1 ? 1 : 2,
        })),
      )
      for (const file of listed) {
        assert.equal(files[files.indexOf(file) - 1]!.name, file.name.replace('.ATTACH', ''))
        assert.ok(textOf([file]).includes(FILE.storedName) && textOf([file]).includes(FILE.sha256))
        assert.equal(wellFormednessProblem(file.bytes), undefined)
      }
      assert.deepEqual(await render({ events: [eventOf('chat', 1)], options }, engine).then((made) => made.length), 1)
    }),

    promise('names files safely, whatever a room is called [6]', async (engine) => {
      const rooms = ['../../etc/passwd', 'CON', 'a\\b:c*?"<>|', ' ', '漢字', 'x'.repeat(256), 'é', 'e\u0301', '.', '..']
      const chats = rooms.map((name, index) => eventOf('chat', 1, { room: String.fromCharCode(97 + index), name }))
      // What concerns no room is in the pool's own conversation, whose URI is that of a category.
      const change = eventOf('change', 1, { name: 'fourth/coffee' })
      const ofThePool = { ...change, room: { ...change.room, uri: 'ma-cat://fourthcoffee.com/0' } }
      const events = adapter.includesKind('change') ? [ofThePool, ...chats] : chats
      const files = await render({ events, options: optionsWith({ oneChatRoomPerOutputFile: true }) }, engine)
      assert.equal(new Set(files.map(({ name }) => name.toLowerCase())).size, events.length)
      for (const { name } of files) {
        assert.match(name, /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/)
        assert.ok(name.startsWith(`${CONTEXT.stem}-0`) && name.endsWith(`.${adapter.extension}`))
      }
    }),

    promise('hands a file over before it asks for the conversations of the next [7]', async (engine) => {
      let asked = 0
      async function* slices(): AsyncGenerator<RoomSlice> {
        for (;;) {
          asked += 1
          const events = [eventOf('chat', asked, { room: String(asked).padStart(9, '0') })]
          const { room } = events[0]!
          yield { room, events, slice: 1, last: true, rosterAtStart: [], rosterAtEnd: [] }
        }
      }
      const options = optionsWith({ eventsPerFileMax: 10 })
      const files = adapter.translate(slices(), options, CONTEXT, engine, adapter.defaultStylesheet)
      const iterator = files[Symbol.asyncIterator]()
      for (let file = 1; file <= 3; file++) await iterator.next()
      await iterator.return?.()
      assert.ok(asked <= 31, `${asked} conversations were asked for to make three files of ten`)
    }),

    promise('writes what another parser reads, whatever was typed [8]', async (engine) => {
      for (const kind of ['chat', 'change'] as const) {
        if (adapter.includesKind(kind)) await readByOthers(kind)
      }
      async function readByOthers(kind: 'chat' | 'change'): Promise<void> {
        const events = hostile.map((content, index) => eventOf(kind, index + 1, { content }))
        const files = await render({ events }, engine)
        if (adapter.extension !== 'xml') return
        const read = new Set<string>()
        for (const { bytes } of files) {
          assert.equal(wellFormednessProblem(bytes), undefined)
          for (const [, attributes] of elementsByPython(bytes))
            for (const value of Object.values(attributes)) read.add(value)
        }
        for (const text of hostile) assert.ok(read.has(visibleText(text)), `${JSON.stringify(text)} did not survive`)
      }
    }),
  ]
}

type AdapterPromise = { readonly name: string; check(): Promise<void> }

const ADDRESS = 'alice@fourthcoffee.com'
const PRINCIPAL: EventPrincipal = {
  id: 10,
  uri: `sip:${ADDRESS}`,
  name: 'Alice Ciccu',
  email: ADDRESS,
  internal: true,
}
const AUTHOR: EventPrincipal = { id: 11, uri: 'sip:bob@fourthcoffee.com', name: 'Bob Gage', internal: true }
const STARTS_AT = 1_795_165_200_000
const EDITED = { chatId: 1, replaced: 'before', author: AUTHOR, postedAt: STARTS_AT - 1 }
const OPTIONS: AdapterOptions = {
  oneChatRoomPerOutputFile: false,
  addChatRoomDetails: true,
  addUserDetails: true,
  eventsPerFileMax: 10_000,
}
const CONTEXT: ExportContext = {
  stem: '20261120T090000Z_20261120T091500Z',
  interval: { startsAt: STARTS_AT, endsAt: STARTS_AT + 900_000 },
  kind: 'interval',
  number: 1,
}
const EMPTY: Scenario = {
  story: '',
  options: OPTIONS,
  context: CONTEXT,
  events: [],
  rosters: {},
  silentRooms: [],
}

const SHA256 = '0'.repeat(64)
const SESSION = { account: 'alice', tokenSession: 't-1' }
const FILE = { storedName: '3f6c1c62-8f1f-4c0a-9a55-0f6f0f6f0f6f.txt', fileName: 'notes.txt', size: 1, sha256: SHA256 }

function oneOfEach(): ComplianceEvent[] {
  return EVENT_KINDS.map((kind, index) => eventOf(kind, index + 1))
}

function eventOf(
  kind: EventKind,
  seq: number,
  { room = 'a', name = room, content = 'hello' }: { room?: string; name?: string; content?: string } = {},
): ComplianceEvent {
  const common = {
    v: 1 as const,
    source: 'channel-1',
    epoch: 1,
    seq,
    at: STARTS_AT + seq,
    room: { uri: `ma-chan://fourthcoffee.com/${room}`, name, seq },
    principal: PRINCIPAL,
  }
  switch (kind) {
    case 'chat':
      return { ...common, kind, chatId: seq, content }
    case 'join':
      return { ...common, kind, session: 's-1' }
    case 'part':
      return { ...common, kind, session: 's-1', reason: 'left' }
    case 'backchat':
      return { ...common, kind, firstChatId: 1, lastChatId: 30 }
    case 'file-upload':
    case 'file-download':
      return { ...common, kind, ...FILE }
    case 'chat-replaced':
      return { ...common, kind, content, ...EDITED }
    case 'chat-purged':
      return { ...common, kind, ...EDITED }
    case 'change':
      return {
        ...common,
        kind,
        action: 'changed',
        subject: { type: 'room', uri: common.room.uri, name },
        before: { topic: 'before' },
        after: { topic: content },
      }
    case 'sign-in':
      return { ...common, kind, ...SESSION, remote: '10.0.0.9', expiresAt: STARTS_AT + 3_600_000 }
    case 'sign-in-refused':
      return { ...common, kind, account: 'alice', remote: '10.0.0.9', reason: 'wrong-credentials', count: 2 }
    case 'assignment':
      return { ...common, kind, ...SESSION, service: 'channel-1' }
    case 'sign-out':
      return { ...common, kind, ...SESSION, remote: '10.0.0.9' }
    case 'session-expired':
      return { ...common, kind, ...SESSION, expiresAt: STARTS_AT }
  }
}

function textOf(files: readonly ExportFile[]): string {
  return files.map(({ bytes }) => Buffer.from(bytes).toString('utf8')).join('\n')
}
