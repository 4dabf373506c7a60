import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ExportFile, openXsltEngine, visibleText } from '@hansard/adapter'
import {
  canonicalXml,
  elementsByPython,
  loadScenario,
  renderScenario,
  type Scenario,
  schemaProblem,
  xsltproc,
} from '@hansard/adapter/conformance'
import { XMLParser } from 'fast-xml-parser'
import { afterAll, describe, expect, it } from 'vitest'
import { goldenOracles } from './golden-oracles-in-test.ts'
import { xml, xmlExtended } from './index.ts'

/**
 * Golden files are complete documents that people outside receive, and are reviewed as such. `npm run golden:accept`
 * rewrites them; read the diff.
 */
const fixtures = new URL('../../../fixtures/', import.meta.url)
const fixture = (path: string) => fileURLToPath(new URL(path, fixtures))
const accept = process.env['HANSARD_GOLDEN'] === 'accept'

const engine = await openXsltEngine()
afterAll(() => engine.close())

const scenarios = readdirSync(fixture('scenarios')).filter((name) => name.endsWith('.json'))
const stylesheets = readdirSync(fixture('stylesheets')).filter((name) => name.endsWith('.xslt'))
const adapters = [
  { adapter: xml, schemas: ['schemas/conversations-strict-2013.xsd', 'schemas/conversations-2013.xsd'] },
  { adapter: xmlExtended, schemas: ['schemas/conversations-extended-1.xsd'] },
]
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

const oracles = Object.fromEntries(
  adapters.map(({ adapter }) => {
    const directories = scenarios.map((file) => fixture(`golden/${adapter.name}/${file.replace('.json', '')}`))
    return [adapter.name, goldenOracles(() => directories.flatMap(goldenFiles))]
  }),
)

it('looks at scenarios and stylesheets at all', () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(8)
  expect(stylesheets.length).toBeGreaterThanOrEqual(4)
})

describe.each(adapters)('golden files of $adapter.name', ({ adapter, schemas }) => {
  describe.each(scenarios)('%s', (file) => {
    const scenario = loadScenario(fixture(`scenarios/${file}`))
    const directory = fixture(`golden/${adapter.name}/${file.replace('.json', '')}`)

    it('are what the adapter makes', async () => {
      const files = await render(adapter, scenario)
      if (accept) acceptGolden(directory, files)
      expect(readdirSync(directory).toSorted()).toEqual(files.map(({ name }) => name).toSorted())
      for (const { name, bytes } of files) expect(textOf(bytes)).toBe(readFileSync(`${directory}/${name}`, 'utf8'))
    })

    it('are valid against our schema, and against that of the 2013 server where they claim to be', () => {
      for (const bytes of goldenFiles(directory)) {
        for (const schema of schemas)
          expect(oracles[adapter.name]!.schemaProblem(bytes, fixture(schema))).toBeUndefined()
      }
    })

    it('say the same to two other parsers', () => {
      for (const bytes of goldenFiles(directory)) {
        expect(messagesByFastXmlParser(bytes)).toEqual(
          oracles[adapter.name]!.elements(bytes)
            .filter(([name]) => name.replace(/^\{.*\}/, '') === 'Message')
            .map(([, attributes]) => attributes),
        )
      }
    })

    it('hold the text of every event they are to show, exactly but for what XML cannot carry', () => {
      const shown = scenario.events.filter((event) => adapter.includesKind(event.kind))
      const messages = goldenFiles(directory).flatMap(messagesByFastXmlParser)
      expect(messages).toHaveLength(shown.length)
      for (const [index, event] of shown.entries()) {
        if ('content' in event) expect(messages[index]!['content']).toBe(visibleText(contentOf(event, adapter.profile)))
        if ('chatId' in event) expect(messages[index]!['id']).toBe(String(event.chatId))
      }
    })

    it('come out the same when the identity stylesheet is run after all, here and by xsltproc', async () => {
      const identity = fileURLToPath(new URL('../identity.xslt', import.meta.url))
      for (const bytes of goldenFiles(directory)) {
        expect(textOf(await engine.transform(adapter.defaultStylesheet, bytes))).toBe(textOf(bytes))
        expect(textOf(oracles[adapter.name]!.xsltproc(identity, bytes))).toBe(textOf(bytes))
      }
    })
  })
})

describe.each(stylesheets)('the stylesheet %s', (name) => {
  const file = fixture(`stylesheets/${name}`)
  const stylesheet = readFileSync(file, 'utf8')

  const profile = stylesheet.includes('conversations:extended-1') ? 'xml-extended' : 'xml'

  it.each(scenarios)(`gives the same bytes as xsltproc for %s, as ${profile}`, async (scenario) => {
    for (const bytes of goldenFiles(fixture(`golden/${profile}/${scenario.replace('.json', '')}`))) {
      const ours = await engine.transform(stylesheet, bytes)
      expect(textOf(ours)).toBe(textOf(oracles[profile]!.xsltproc(file, bytes)))
    }
  })
})

it.each(['messages-csv.xslt', 'transcript.xslt'])(
  '%s gives the same bytes as xsltproc for 64 KiB of what it has to replace',
  async (name) => {
    const scenario = loadScenario(fixture('scenarios/desk-morning.json'))
    const chat = scenario.events.find((event) => event.kind === 'chat')!
    const events = ['"', '\n', 'x"\n'].map((unit) => ({ ...chat, content: unit.repeat(65_536 / unit.length) }))
    const [document] = await render(xml, { ...scenario, events })
    const file = fixture(`stylesheets/${name}`)
    const ours = await engine.transform(readFileSync(file, 'utf8'), document!.bytes)
    expect(ours.length).toBeGreaterThan(3 * 65_536)
    expect(textOf(ours) === textOf(xsltproc(file, document!.bytes))).toBe(true)
  },
)

it('messages-csv.xslt makes no formula of what somebody said', async () => {
  const scenario = loadScenario(fixture('scenarios/desk-morning.json'))
  const chat = scenario.events.find((event) => event.kind === 'chat')!
  const said = ['=HYPERLINK("http://x","y")', '@SUM(1+1)', '+1-2', '-2+3', '\tx', '\rx', '\nx', '＝1+1', 'a=1', "'"]
  const events = said.map((content) => ({ ...chat, content }))
  const [document] = await render(xml, { ...scenario, events })
  const file = fixture('stylesheets/messages-csv.xslt')

  const table = textOf(await engine.transform(readFileSync(file, 'utf8'), document!.bytes))

  const cells = said.map((text) => `"${/^[=+\-@\t\r\n＝]/.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`)
  for (const cell of cells) expect(table).toContain(`,${cell}\r\n`)
  expect(table).toBe(textOf(xsltproc(file, document!.bytes)))
})

describe('the strict document', () => {
  const files = (scenario: string) => goldenFiles(fixture(`golden/xml/${scenario}`))
  const elements = (scenario: string) => files(scenario).flatMap(elementsByPython)

  it('repeats the first message, and dates a conversation by its first and last event', () => {
    const read = elements('desk-morning')
    const first = read.filter(([name]) => name === 'FirstMessage').map(([, attributes]) => attributes)
    expect(first.map(({ type }) => type)).toEqual(['JOIN', 'BACKCHAT'])
    const times = (element: string) => read.filter(([name]) => name === element).map(([, { string }]) => string)
    expect(times('StartTimeUTC')).toEqual(['2026-11-20T09:00:00Z', '2026-11-20T09:02:00Z'])
    expect(times('EndTimeUTC')).toEqual(['2026-11-20T09:14:59.999Z', '2026-11-20T09:03:00Z'])
  })

  it('writes addresses without their scheme, and names only when asked to resolve them', () => {
    const senders = (scenario: string) =>
      elements(scenario).flatMap(([name, { UserName, email, uri }]) =>
        name === 'Sender' ? [{ UserName, email, uri }] : [],
      )
    expect(senders('desk-morning')[0]).toEqual({
      UserName: 'Alice Ciccu',
      email: 'alice@fourthcoffee.com',
      uri: 'alice@fourthcoffee.com',
    })
    expect(senders('desk-morning-unresolved')[0]).toEqual({
      UserName: 'alice@fourthcoffee.com',
      email: '',
      uri: 'alice@fourthcoffee.com',
    })
    expect(senders('desk-morning').at(-1)!.uri).toBe('carol%5Baway%5D@fourthcoffee.com')
  })

  it('has no conversation for a room in which there was nothing it has words for', () => {
    const channels = elements('replaced-and-purged').filter(([name]) => name === 'Channel')
    expect(channels.map(([, { name }]) => name)).toEqual(['Trading Desk'])
  })
})

describe.each(adapters)('attachments files of $adapter.name', ({ adapter }) => {
  const scenario = loadScenario(fixture('scenarios/files-up-and-down.json'))
  const directory = fixture(`golden/${adapter.name}/files-up-and-down`)
  it('are valid, and list every transfer once, as the event tells it, beside the document that shows it', () => {
    const files = readdirSync(directory)
      .filter((name) => name.endsWith('.ATTACH'))
      .map((name) => ({ name, bytes: readFileSync(`${directory}/${name}`) }))
    const listed = files.flatMap(({ name, bytes }) => {
      expect(schemaProblem(bytes, fixture('schemas/attachments-1.xsd'))).toBeUndefined()
      const [[, root], ...elements] = elementsByPython(bytes) as [[string, Record<string, string>]]
      const document = name.replace('.ATTACH', '')
      expect(root['document']).toBe(document)
      const shown = messagesByFastXmlParser(readFileSync(`${directory}/${document}`)).map(({ content }) => content)
      const attachments = (elements as [string, Record<string, string>][]).filter(([tag]) =>
        tag.endsWith('}Attachment'),
      )
      for (const [, { storedName }] of attachments) expect(shown).toContain(storedName)
      return attachments.map(([, attributes]) => {
        const { transfer, storedName, fileName, fileNameJson, givenName, givenNameJson } = attributes
        const { size, sha256, source, seq } = attributes
        return {
          ...{
            kind: `file-${transfer}`,
            storedName,
            fileName: exact(fileName, fileNameJson),
            ...(givenName === undefined ? {} : { givenName: exact(givenName, givenNameJson) }),
            size: Number(size),
            sha256,
          },
          ...{ source, seq: Number(seq) },
        }
      })
    })
    const told = scenario.events.flatMap((event) => {
      if (event.kind !== 'file-upload' && event.kind !== 'file-download') return []
      const { kind, storedName, fileName, givenName, size, sha256, source, seq } = event
      return [
        { kind, storedName, fileName, ...(givenName === undefined ? {} : { givenName }), size, sha256, source, seq },
      ]
    })
    expect(files).toHaveLength(2)
    expect(listed).toEqual(told)
  })
})

describe('the extended document', () => {
  it('says exactly what the user called a file, and nothing of it where that was not recorded', () => {
    const scenario = loadScenario(fixture('scenarios/files-up-and-down.json'))
    const transfers = scenario.events.filter((event) => event.kind === 'file-upload' || event.kind === 'file-download')
    const messages = goldenFiles(fixture('golden/xml-extended/files-up-and-down'))
      .flatMap(messagesByFastXmlParser)
      .filter(({ fileName }) => fileName !== undefined)

    const told = messages.map(({ givenName, givenNameJson }) => givenName && exact(givenName, givenNameJson))
    expect(told).toEqual(transfers.map(({ givenName }) => givenName))
    expect(new Set(told).size).toBe(2)
    expect(told).toContain(undefined)
  })

  it('keeps exactly, as JSON, what XML cannot carry', () => {
    const scenario = loadScenario(fixture('scenarios/hostile-talk.json'))
    const messages = goldenFiles(fixture('golden/xml-extended/hostile-talk')).flatMap(messagesByFastXmlParser)
    for (const [index, event] of scenario.events.entries()) {
      const { content, contentJson, query, queryJson, fileName, fileNameJson, replaced, replacedJson } =
        messages[index]!
      if ('content' in event) expect(exact(content, contentJson)).toBe(event.content)
      if ('query' in event) expect(exact(query, queryJson)).toBe(event.query)
      if ('fileName' in event) expect(exact(fileName, fileNameJson)).toBe(event.fileName)
      if ('replaced' in event) expect(exact(replaced, replacedJson)).toBe(event.replaced)
    }
  })

  it.each(['alert-and-story', 'wall-goes-up', 'room-created-and-run'])(
    'tells titles, alerts and changes of %s exactly: what an event says can be read back from it',
    (name) => {
      const scenario = loadScenario(fixture(`scenarios/${name}.json`))
      const told = goldenFiles(fixture(`golden/xml-extended/${name}`)).flatMap(toldByPython)
      const saying = scenario.events.filter(({ kind }) => kind === 'chat' || kind === 'change')
      expect(told).toHaveLength(saying.length)
      for (const [index, event] of saying.entries()) {
        if (event.kind === 'chat') {
          const { content, title, alert } = event
          expect(told[index]).toEqual({ content, title, alert })
        } else if (event.kind === 'change') {
          const { action, subject, before, after } = event
          expect(told[index]).toEqual({ action, subject, before, after })
        }
      }
    },
  )

  it('tells whose words were replaced or purged, since when, and what they were, as far as the event does', () => {
    const { events } = loadScenario(fixture('scenarios/whose-words.json'))
    const told: Record<string, unknown>[] = []
    for (const [tag, attributes] of goldenFiles(fixture('golden/xml-extended/whose-words')).flatMap(elementsByPython)) {
      const element = tag.replace(/^\{.*\}/, '')
      const of = (name: string) => exact(attributes[name], attributes[`${name}Json`])
      if (element === 'FirstMessage' || element === 'Message') {
        const { alert, replacedBefore } = attributes
        const flags = {
          alert: alert && JSON.parse(alert),
          replacedBefore: replacedBefore && JSON.parse(replacedBefore),
        }
        told.push({ title: of('title'), replaced: of('replaced'), replacedTitle: of('replacedTitle'), ...flags })
      }
      if (element === 'Author') told.at(-1)!['author'] = `${attributes['UserName']} ${attributes['uri']}`
      if (element === 'PostedTimeUTC') told.at(-1)!['postedAt'] = Number(attributes['since1970'])
    }
    // The first message appears twice.
    expect(told.slice(-events.length)).toEqual(
      events.map((event) => {
        if (event.kind !== 'chat-replaced' && event.kind !== 'chat-purged') throw new Error(event.kind)
        const { replaced, replacedTitle, replacedBefore, author, postedAt, alert } = event
        return {
          ...{ title: event.kind === 'chat-replaced' ? event.title : undefined },
          ...{ replaced, replacedTitle, replacedBefore, alert, postedAt },
          ...(author ? { author: `${visibleText(author.name)} ${author.uri.replace('sip:', '')}` } : {}),
        }
      }),
    )
  })

  it('names the roster at both ends of the interval, once in a conversation', () => {
    const names = goldenFiles(fixture('golden/xml-extended/long-conversation')).flatMap((bytes) =>
      elementsByPython(bytes).map(([name]) => name.replace(/^\{.*\}/, '')),
    )
    expect(names.filter((name) => name === 'Conversation')).toHaveLength(5)
    expect(names.filter((name) => name === 'RosterAtStart')).toHaveLength(3)
    expect(names.filter((name) => name === 'RosterAtEnd')).toHaveLength(3)
  })

  it('is the strict document once the namespace and what is new are taken away', () => {
    const strip = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:h="urn:hansard:conversations:extended-1" exclude-result-prefixes="h">
      <xsl:template match="*"><xsl:element name="{local-name()}"><xsl:apply-templates select="@*|node()"/></xsl:element></xsl:template>
      <xsl:template match="@*"><xsl:copy/></xsl:template>
      <xsl:template match="h:RosterAtStart|h:RosterAtEnd|h:Conversations/@*|h:Conversation/@*"/>
      <xsl:template match="h:Message/@*[not(contains(' type content id ', concat(' ', name(), ' ')))]|h:FirstMessage/@*[not(contains(' type content id ', concat(' ', name(), ' ')))]"/>
      <xsl:strip-space elements="*"/></xsl:stylesheet>`
    const plain = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
      <xsl:template match="*"><xsl:element name="{local-name()}"><xsl:apply-templates select="@*|node()"/></xsl:element></xsl:template>
      <xsl:template match="@*"><xsl:copy/></xsl:template><xsl:strip-space elements="*"/></xsl:stylesheet>`
    return Promise.all(
      ['desk-morning', 'desk-morning-unresolved', 'file-per-room'].map(async (scenario) => {
        const [extended] = goldenFiles(fixture(`golden/xml-extended/${scenario}`))
        const [strict] = goldenFiles(fixture(`golden/xml/${scenario}`))
        const stripped = canonicalXml(await engine.transform(strip, extended!))
        expect(textOf(stripped)).toBe(textOf(canonicalXml(await engine.transform(plain, strict!))))
      }),
    )
  })
})

/** The strict document has no place for a title except the content. */
function contentOf(event: { content: string; title?: string | undefined }, profile: string): string {
  if (event.title === undefined || profile !== 'strict-2013') return event.content
  return `[STORY]${event.title}\n${event.content}`
}

function exact(shown: string | undefined, json: string | undefined): string | undefined {
  return json === undefined ? shown : JSON.parse(json)
}

async function render(adapter: typeof xml, scenario: Scenario): Promise<ExportFile[]> {
  const files: ExportFile[] = []
  for await (const file of renderScenario(adapter, scenario, engine)) files.push(file)
  return files
}

function acceptGolden(directory: string, files: readonly ExportFile[]): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const { name, bytes } of files) writeFileSync(`${directory}/${name}`, bytes)
}

/** The documents. */
function goldenFiles(directory: string): Buffer[] {
  const names = readdirSync(directory)
    .filter((name) => !name.endsWith('.ATTACH'))
    .toSorted()
  expect(names).not.toHaveLength(0)
  return names.map((name) => readFileSync(`${directory}/${name}`))
}

/** The attributes of every chat and change of an extended document, as Python reads them. */
function toldByPython(bytes: Uint8Array): unknown[] {
  const found: Record<string, unknown>[] = []
  const of = (attributes: Record<string, string>, name: string) => exact(attributes[name], attributes[`${name}Json`])
  let inMessage = false
  let side: Record<string, unknown> = {}
  for (const [tag, attributes] of elementsByPython(bytes)) {
    const element = tag.replace(/^\{.*\}/, '')
    if (element === 'FirstMessage') inMessage = false
    if (element === 'Message') {
      const { type, action, subjectType, alert } = attributes
      inMessage = type === 'CHANGE'
      if (type === 'CHAT') {
        found.push({
          content: of(attributes, 'content'),
          title: of(attributes, 'title'),
          alert: alert && JSON.parse(alert),
        })
      }
      if (!inMessage) continue
      const subject = { type: subjectType, uri: of(attributes, 'subjectUri'), name: of(attributes, 'subjectName') }
      found.push({ action, subject, before: {}, after: {} })
    }
    if (!inMessage) continue
    if (element === 'Before') side = found.at(-1)!['before'] as Record<string, unknown>
    if (element === 'After') side = found.at(-1)!['after'] as Record<string, unknown>
    if (element === 'Property') addProperty(side, of(attributes, 'name')!, attributes['type']!, of(attributes, 'value'))
  }
  return found
}

function addProperty(side: Record<string, unknown>, name: string, type: string, value: string | undefined): void {
  if (type === 'list')
    side[name] = [...((side[name] as string[] | undefined) ?? []), ...(value === undefined ? [] : [value])]
  else side[name] = type === 'text' ? value : type === 'null' ? null : JSON.parse(value!)
}

/** The attributes of every message, as fast-xml-parser reads them. */
function messagesByFastXmlParser(bytes: Uint8Array): Record<string, string>[] {
  const options = { ignoreAttributes: false, attributeNamePrefix: '', parseAttributeValue: false, trimValues: false }
  const parser = new XMLParser({ ...options, preserveOrder: true, htmlEntities: true })
  const found: Record<string, string>[] = []
  const visit = (nodes: Record<string, unknown>[]) => {
    for (const node of nodes) {
      for (const [name, children] of Object.entries(node)) {
        if (name === 'Message') found.push(node[':@'] as Record<string, string>)
        else if (Array.isArray(children)) visit(children)
      }
    }
  }
  visit(parser.parse(Buffer.from(bytes)))
  return found
}
