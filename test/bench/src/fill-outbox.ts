import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { systemClock } from '@hansard/clock'
import {
  createPrincipals,
  createRecordWriter,
  findPrincipal,
  POOL_MIGRATIONS,
  startSource,
  stopSource,
} from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'

// fill-outbox DIR CHATS: creates a pool database with CHATS accepted chats in its outbox and nothing staged.
const [directory, count] = [process.argv[2]!, Number(process.argv[3])]
const db = openDatabase({ url: `sqlite:${join(directory, 'pool.db')}` })
await migrate(db, POOL_MIGRATIONS)
await createPrincipals(db.knex, [
  { account: 'filler', domain: 'localhost', displayName: 'Filler', secret: 'key$none', now: 1 },
])
const principal = (await findPrincipal(db, { account: 'filler' }))!
const rooms: number[] = []
for (let n = 0; n < 50; n += 1) {
  const uri = `ma-chan://localhost/${randomUUID()}`
  const room = { uri, name: `filled ${n}`, privacy: 'open', created_at: 1 }
  const [made]: { id: number }[] = await db.knex('room').insert(room).returning('id')
  rooms.push(made!.id)
}
const source = await startSource(db, { name: 'filler', endpoint: '', now: systemClock.now() })
const writer = createRecordWriter({ db, clock: systemClock, source, place: { pool: 'bench' } })
const text = 'Twelve lots at the open, and nothing said about it anywhere else. '.repeat(3).slice(0, 200)
const started = performance.now()
await new Promise<void>((resolve) => {
  let sent = 0
  let done = 0
  const next = () => {
    if (sent >= count) return
    sent += 1
    const fact = {
      kind: 'chat',
      roomId: rooms[sent % 50]!,
      principal,
      post: `p${sent}`,
      text,
      again: false,
      rights: 1,
    } as const
    void writer.record(fact).then(() => {
      done += 1
      if (done === count) resolve()
      else next()
    })
  }
  for (let n = 0; n < 500; n += 1) next()
})
const perSecond = count / ((performance.now() - started) / 1_000)
await writer.stop()
await stopSource(db, { ...source, now: systemClock.now() })
await db.close()
process.stdout.write(`${JSON.stringify({ perSecond })}\n`)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const hold = setInterval(() => {}, 60_000)
if (!stop.signal.aborted) await once(stop.signal, 'abort')
clearInterval(hold)
