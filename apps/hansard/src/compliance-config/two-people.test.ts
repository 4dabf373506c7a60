import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'
import { describeReport, verifyDirectory } from '../exports/verify.ts'

const EMPTY = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/"><nothing/></xsl:template>
</xsl:stylesheet>`

let line: PoolOnTheLine
beforeAll(async () => {
  line = await startPoolOnTheLine({ approval: 'two-people' })
}, 60_000)
afterAll(() => line?.[Symbol.asyncDispose]())

const manifests = () => {
  const directory = join(line.data, 'exports', 'xml')
  const files = readdirSync(directory).filter((name) => name.endsWith('.manifest.json'))
  return files.sort().map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')))
}

it('an operator’s stylesheet renders nothing before an officer has approved it, and its hash is shown to him', async () => {
  const omar = await line.addUser('omar', '--role', 'operator')
  const fay = await line.addUser('fay', '--role', 'officer')
  const file = join(line.data, 'empty.xslt')
  writeFileSync(file, EMPTY)
  const set = ['compliance-config', 'set', 'global', '--stylesheet', file, '--reason', 'shorter', '--as', 'omar']
  const proposed = await line.hansard(set, { env: omar })
  expect(proposed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Proposed as change 1;') })
  await line.json(['seal'])
  const [first] = manifests().slice(-1)

  const list = await line.json(['compliance-changes', 'list', '--open', '--as', 'fay'], { env: fay })
  expect(list.changes).toMatchObject([{ id: 1, proposedBy: 'omar', reason: 'shorter', state: 'open' }])
  const { stdout: shown } = await line.hansard(['compliance-changes', 'show', '1', '--as', 'fay'], { env: fay })
  expect(shown).toContain(list.changes[0].sha256)
  expect(shown).toMatch(/customConfiguration: not set → a stylesheet of \d+ characters, SHA-256 [0-9a-f]{64}/)
  const approve = ['compliance-changes', 'approve', '1', '--yes']
  expect(await line.hansard([...approve, '--as', 'omar'], { env: omar })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('another person approves it'),
  })
  // The account with every role is another person, and an officer.
  const wrong = await line.hansard([...approve, '--sha256', 'f'.repeat(64)])
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not the one to be approved') })
  expect(await line.hansard([...approve, '--as', 'fay'], { env: fay })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Change 1 is approved and applies now.'),
  })
  await line.json(['seal'])

  const [newest] = manifests().slice(-1)
  expect(newest.number).toBeGreaterThan(first.number)
  expect(newest.adapter.stylesheetSha256).not.toBe(first.adapter.stylesheetSha256)
  expect([first.approval, newest.approval]).toEqual([undefined, undefined])
  const verified = describeReport(await verifyDirectory(join(line.data, 'exports')))
  expect(verified).toContain(`from export ${newest.number} on, stylesheet is ${newest.adapter.stylesheetSha256}`)
}, 90_000)

it('a proposal is refused and withdrawn from the command line, and asked about before it is approved', async () => {
  const env = { HANSARD_AS_PASSWORD: 'omars password' }
  const confirm = ['compliance-config', 'confirm', 'global', '--as', 'omar']
  const [first, second] = [await line.json(confirm, { env }), await line.json(confirm, { env })]
  const asked = await line.hansard(['compliance-changes', 'approve', String(first.change.id)])
  expect(asked).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('the same settings again') })
  const refuse = ['compliance-changes', 'refuse', String(first.change.id), '--reason', 'no']
  expect((await line.hansard(refuse)).stdout).toBe(`Change ${first.change.id} is refused.\n`)
  const withdraw = ['compliance-changes', 'withdraw', String(second.change.id), '--as', 'omar']
  expect((await line.hansard(withdraw, { env })).stdout).toBe(`Change ${second.change.id} is withdrawn.\n`)
})

it('where one person may, as in a new pool, a change applies at once and every manifest says so', async () => {
  await using alone = await startPoolOnTheLine()
  const changed = await alone.json(['compliance-config', 'set', 'global', '--events-per-file', '7'])
  expect(changed).toMatchObject({ settings: { eventsPerFileMax: 7 }, change: { state: 'approved' } })
  await alone.json(['seal'])
  const directory = join(alone.data, 'exports')
  const [manifest] = readdirSync(join(directory, 'xml')).filter((name) => name.endsWith('.manifest.json'))
  expect(JSON.parse(readFileSync(join(directory, 'xml', manifest!), 'utf8')).approval).toBe('one-person')
  expect(describeReport(await verifyDirectory(directory))).toContain('one person may change what is exported')
  const replayed = await alone.json(['exports', 'replay', 'xml/1'])
  expect(replayed.identical).toBe(true)
}, 90_000)
