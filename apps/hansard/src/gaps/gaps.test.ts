import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Database, openDatabase } from '@hansard/sql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'
import { describeReport, verifyDirectory } from '../exports/verify.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))
const patient = { timeout: 120_000, interval: 200 }

let line: PoolOnTheLine
let poolDb: Database
let complianceDb: Database
let people: Record<'alice' | 'olivia' | 'otto', Record<string, string>>
beforeAll(async () => {
  line = await startPoolOnTheLine()
  poolDb = openDatabase({ url: `sqlite:${join(line.data, 'pool.db')}` })
  complianceDb = openDatabase({ url: `sqlite:${join(line.data, 'compliance.db')}` })
  await line.json(['rooms', 'add', 'desk'])
  people = {
    alice: await line.addUser('alice'),
    olivia: await line.addUser('olivia', '--role', 'officer'),
    otto: await line.addUser('otto', '--role', 'operator'),
  }
})
afterAll(async () => {
  await poolDb?.close()
  await complianceDb?.close()
  await line?.[Symbol.asyncDispose]()
})

const say = (text: string) =>
  line.hansard(['chat', 'desk', '--account', 'alice', '--json'], { env: people.alice, input: text })
const as = (who: keyof typeof people, words: readonly string[]) =>
  line.hansard([...words, '--as', who], { env: people[who] })
const alarms = async (): Promise<string> => {
  const { stdout } = await line.hansard(['status', '--json'])
  return (JSON.parse(stdout) as { alarms: string[] }).alarms.join('\n')
}

/** Both verifiers, which say the same. */
async function verdict(): Promise<{ exitCode: number; lines: string[] }> {
  const directory = join(line.data, 'exports')
  const report = await verifyDirectory(directory)
  const ours = describeReport(report)
  const theirs: { code?: number; stdout: string } = await promisify(execFile)('python3', [PYTHON, directory]).catch(
    (error) => error,
  )
  expect(theirs.code ?? 0).toBe(report.exitCode)
  const told = (text: string) =>
    text.split('\n').filter((one) => /ACCEPTED GAP|^Complete|^Good|^MISSING|^BROKEN/.test(one))
  expect(told(theirs.stdout)).toEqual(told(ours))
  return { exitCode: report.exitCode, lines: told(ours) }
}

it('rows of a channel service removed on their way into the outbox: named, accepted as a gap, exported around, and put back', async () => {
  await poolDb.knex.raw('create table removed_outbox as select * from outbox where false')
  await poolDb.knex.raw(
    `create trigger mute after insert on outbox when new.body like '%lost words%' begin
       insert into removed_outbox select * from outbox where source = new.source and epoch = new.epoch and seq = new.seq;
       delete from outbox where source = new.source and epoch = new.epoch and seq = new.seq;
     end`,
  )
  expect((await say('before\nlost words 1\nlost words 2\nafter\n')).exitCode).toBe(0)
  await poolDb.knex.raw('drop trigger mute')

  await expect
    .poll(alarms, patient)
    .toMatch(/^Numbers of source channel-1\/1 do not arrive: events \d+ to \d+ \(2 in all\)/m)
  const listed = await line.hansard(['gaps', 'list'])
  const [, source, numbers] = /^(channel-1\/1\/[0-9a-f]{32}) +(\d+-\d+) +never staged /m.exec(listed.stdout)!
  expect(listed.exitCode).toBe(1)

  // An interval with the numbers in it cannot be sealed until two people have said that they are missing.
  const sealing = line.json(['seal'])
  const accept = ['gaps', 'accept', source!, numbers!]
  expect(await as('otto', accept)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/needs a reason/) })
  expect((await as('otto', [...accept, '--reason', 'a trigger removed them'])).stdout).toMatch(
    /^It is proposed that 2 numbers/,
  )
  expect((await as('otto', accept)).exitCode).toBe(1)
  expect((await as('alice', accept)).exitCode).toBe(1)
  expect((await line.hansard(['gaps', 'list'])).stdout).toMatch(/otto +a trigger removed them/)
  expect((await as('olivia', accept)).stdout).toMatch(/^2 numbers of channel-1.* are accepted as missing: a trigger/)
  await sealing

  await expect.poll(alarms, patient).not.toContain('do not arrive')
  const except = `Complete except 2 numbers of ${source}, accepted by otto and olivia on `
  const excepted = await verdict()
  expect(excepted).toMatchObject({ exitCode: 3 })
  expect(excepted.lines.at(-1)).toMatch(new RegExp(`^${except}\\S+ because: a trigger removed them$`))
  const after = await line.hansard(['gaps', 'list'])
  expect(after).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^No numbers are missing\.\n(?:.*\n)*.*otto and olivia/),
  })

  await say('the next day\n')
  await line.json(['seal'])
  expect((await verdict()).exitCode).toBe(3)

  // Somebody finds them in a backup after all: they are exported in an addendum, and nothing is missing any more.
  await poolDb.knex.raw('insert into outbox select * from removed_outbox')
  const late = () => complianceDb.knex('staged_event').where('body', 'like', '%lost words%').pluck('late_in')
  await expect.poll(async () => (await late()).length, patient).toBe(2)
  await line.json(['seal'])
  const whole = await verdict()
  expect(whole).toMatchObject({ exitCode: 0 })
  expect(whole.lines.join('\n')).toMatch(/ACCEPTED GAP: .*; 2 of them arrived since, in an addendum\n(?:.*\n)*Good:/)
}, 300_000)

it('refuses what is no source and no range of numbers', async () => {
  const wrong: [string[], RegExp][] = [
    [['channel-1', '4-5'], /channel-1 is no source/],
    [['channel-1/1', '4-5-6'], /4-5-6 is no range/],
    [['channel-1/1', '0-2'], /0-2 is no range/],
  ]
  for (const [words, said] of wrong)
    expect(await line.hansard(['gaps', 'accept', ...words])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(said),
    })
  expect(await line.hansard(['gaps', 'accept', 'channel-1/1', '4-5', '--reason', 'r'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/are no gap/),
  })
})

it('a staged row that somebody removes comes back from the outbox by itself, and is exported in its place', async () => {
  await say('to be removed\n')
  const rows = () => complianceDb.knex('staged_event').where('body', 'like', '%to be removed%')
  await expect.poll(async () => (await rows().select('seq')).length, patient).toBe(1)
  expect(await rows().delete()).toBe(1)

  await line.json(['seal'])

  expect(await rows().pluck('late_in')).toEqual([0])
  expect((await verdict()).exitCode).toBe(0)
  expect(await complianceDb.knex('quarantined_event')).toEqual([])
}, 300_000)
