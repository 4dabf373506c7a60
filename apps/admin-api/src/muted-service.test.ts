import {
  createRecordWriter,
  deleteFromOutbox,
  type RecordWriter,
  readOutbox,
  readSourceProgress,
  startSource,
} from '@hansard/pool-store'
import { recordSourceProgress, stageEvents } from '@hansard/staging'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

let test: AdminInTest
let roomId: number
let principal: Awaited<ReturnType<typeof addPrincipal>>
const writers: RecordWriter[] = []
beforeEach(async () => {
  test = await openAdminInTest()
  const room = { uri: 'ma-chan://example.com/11111111-2222-4333-8444-555555555555', name: 'desk' }
  const [row] = await test.poolDb
    .knex('room')
    .insert({ ...room, privacy: 'open', created_at: 1 })
    .returning('id')
  roomId = row.id
  principal = await addPrincipal()
})
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.stop()
  await test.close()
})

async function addPrincipal() {
  await test.addUser('alice')
  return (await test.poolDb.knex('principal').where({ account: 'alice' }).first()) as { id: number; account: string }
}

async function startService(name: string): Promise<RecordWriter> {
  const { poolDb: db, clock } = test
  const source = await startSource(db, { name, endpoint: `ws://${name}`, now: clock.now() })
  const writer = createRecordWriter({ db, clock, source, place: { pool: 'test', site: undefined } })
  writers.push(writer)
  return writer
}

const join = async (writer: RecordWriter, session: string) => {
  const outcome = await writer.record({ kind: 'join', roomId, principal: principal as never, session, rights: 1 })
  if (outcome instanceof Error) throw outcome
}

/** What a relay and a worker do: stages what is in the outbox, and deletes what is staged. */
async function relay(): Promise<void> {
  const { poolDb, complianceDb, clock } = test
  const progress = await readSourceProgress(poolDb, clock.now())
  await recordSourceProgress(complianceDb, progress)
  for (const { source, epoch, incarnation, lastSeq } of progress.sources) {
    const events = await readOutbox(poolDb, { source, epoch, afterSeq: 0, limit: 1_000 })
    if (events.length === 0) continue
    await stageEvents(complianceDb, { source, epoch, incarnation, events }, clock.now())
    if (events[0]!.seq === 1 && events.length === lastSeq)
      await deleteFromOutbox(poolDb, { source, epoch, rows: events })
  }
}

const alarms = async (): Promise<readonly string[]> =>
  (await test.done('status', { token: await test.signIn() })).alarms
const missing = async () => (await alarms()).filter((alarm) => alarm.includes('do not arrive'))

it('FINRA 2012, 3 of 58 servers do not reach the archive: each is named, with its numbers, and no other', async () => {
  const muted = ['channel-07', 'channel-21', 'channel-58']
  const names = muted.map((name) => `'${name}'`).join(', ')
  await test.poolDb.knex.raw('create table backup_outbox as select * from outbox where false')
  await test.poolDb.knex.raw(
    `create trigger mute after insert on outbox when new.source in (${names}) begin
       insert into backup_outbox select * from outbox where source = new.source and epoch = new.epoch and seq = new.seq;
       delete from outbox where source = new.source and epoch = new.epoch and seq = new.seq;
     end`,
  )
  for (let number = 1; number <= 58; number += 1) {
    const writer = await startService(`channel-${String(number).padStart(2, '0')}`)
    await join(writer, `one-${number}`)
    await join(writer, `two-${number}`)
  }
  await relay()

  expect(await missing()).toEqual(
    muted.map((name) =>
      expect.stringMatching(`^Numbers of source ${name}/1 do not arrive: events 1 to 2 \\(2 in all\\)`),
    ),
  )

  // The manual's remedy.
  await test.poolDb.knex.raw('drop trigger mute')
  await test.poolDb.knex.raw(
    `insert into outbox select * from backup_outbox where source = 'channel-07' and epoch = 1 and seq between 1 and 2`,
  )
  await relay()
  expect(await missing()).toHaveLength(2)
  expect((await alarms()).join()).not.toContain('channel-07/1')
})

it('one row removed in the middle is named by its number; rows that only wait are not', async () => {
  const writer = await startService('channel-1')
  for (const session of ['a', 'b', 'c']) await join(writer, session)
  await test.poolDb.knex('outbox').where({ source: 'channel-1', seq: 2 }).delete()
  expect(await missing()).toEqual([])

  await relay()

  expect(await missing()).toEqual([expect.stringMatching(/^Numbers of source channel-1\/1 .*: event 2 \(1 in all\)/)])
})

it('FINRA, $100,000, users not connected to the archiver: a service that serves people and records nothing is named', async () => {
  for (const name of ['channel-1', 'channel-2', 'channel-3']) {
    const writer = await startService(name)
    for (const session of ['a', 'b', 'c']) await join(writer, `${name} ${session}`)
  }
  const unrecorded = async () => (await alarms()).filter((alarm) => alarm.includes('records nothing'))
  expect(await unrecorded()).toEqual([])

  const { session: _, ...row } = await test.poolDb.knex('participant').where({ source: 'channel-2' }).first()
  const joined_at = row.joined_at + 1
  for (const name of ['d', 'e']) await test.poolDb.knex('participant').insert({ ...row, session: name, joined_at })

  expect(await unrecorded()).toEqual([
    expect.stringMatching(/^Source channel-2\/1 serves people and records nothing: 2 of its participants/),
  ])
})
