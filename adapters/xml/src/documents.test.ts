import { readdirSync, readFileSync } from 'node:fs'
import { openXsltEngine, visibleText } from '@hansard/adapter'
import { canonicalXml, elementsByPython, loadScenario, schemaProblem } from '@hansard/adapter/conformance'
import { afterAll, describe, expect, it } from 'vitest'
import { adapters, fixture, goldenFiles, messagesByFastXmlParser, textOf } from './golden-files-in-test.ts'

const engine = await openXsltEngine()
afterAll(() => engine.close())

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

function exact(shown: string | undefined, json: string | undefined): string | undefined {
  return json === undefined ? shown : JSON.parse(json)
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
