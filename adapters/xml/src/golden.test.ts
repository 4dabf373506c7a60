import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ExportFile, openXsltEngine, visibleText } from '@hansard/adapter'
import { loadScenario, renderScenario, type Scenario, xsltproc } from '@hansard/adapter/conformance'
import { afterAll, describe, expect, it } from 'vitest'
import { adapters, fixture, goldenFiles, messagesByFastXmlParser, scenarios, textOf } from './golden-files-in-test.ts'
import { goldenOracles } from './golden-oracles-in-test.ts'
import { xml } from './index.ts'

/**
 * Golden files are complete documents that people outside receive, and are reviewed as such. `npm run golden:accept`
 * rewrites them; read the diff.
 */
const accept = process.env['HANSARD_GOLDEN'] === 'accept'

const engine = await openXsltEngine()
afterAll(() => engine.close())

const stylesheets = readdirSync(fixture('stylesheets')).filter((name) => name.endsWith('.xslt'))
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

/** The strict document has no place for a title except the content. */
function contentOf(event: { content: string; title?: string | undefined }, profile: string): string {
  if (event.title === undefined || profile !== 'strict-2013') return event.content
  return `[STORY]${event.title}\n${event.content}`
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
