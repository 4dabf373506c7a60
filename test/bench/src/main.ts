import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@hansard/clock'
import {
  openAdmin,
  type ServiceProcess,
  serviceProcess,
  startEnterprisePool,
  startStandardPool,
} from '@hansard/test-pool'
import { startPostgres } from '@hansard/test-servers'
import { deliveriesAtRate } from './latency.ts'
import { closedLoop, openLoop } from './load.ts'
import { cpuSeconds, cpuSecondsOfDescendants, residentBytes } from './process-figures.ts'
import { openRawClient } from './raw-client.ts'
import { rawPostgres, rawSqlite } from './raw-driver.ts'
import { benchRecordSeries as recordFigures } from './record-series.ts'
import { benchRooms as roomFigures } from './rooms.ts'
import { benchSearch as searchFigures } from './search.ts'
import { addAccounts, seatTalkers, signedIn } from './talkers.ts'

// npm run bench -- [--seconds N] [--chats N]
//   [--only standard,enterprise,latency,fan-out,pipeline,record,memory,search,rooms]
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string', default: 'standard,enterprise,latency,fan-out,pipeline,record,memory,search,rooms' },
    chats: { type: 'string', default: '1000000' },
  },
})
const seconds = Number(values.seconds)
const wanted = new Set(values.only.split(','))
const GROUP = 64

type Row = { what: string; figure: string; reference: string; ratio: string }
const rows: Row[] = []
const whole = (value: number) => Math.round(value).toLocaleString('en-US')
function row(what: string, figure: number, unit: string, reference: number, referenceName: string): void {
  const shown = (value: number) => `${value < 100 ? value.toFixed(1) : whole(value)} ${unit}`
  const ratio = (figure / reference).toFixed(2)
  rows.push({ what, figure: shown(figure), reference: `${shown(reference)} (${referenceName})`, ratio })
  process.stdout.write(`${what}: ${shown(figure)}, ${referenceName} ${shown(reference)}, ratio ${ratio}\n`)
}

const scratch = mkdtempSync(join(tmpdir(), 'hansard-bench-'))
const reference = (databaseUrl?: string): ServiceProcess =>
  serviceProcess({
    name: 'reference',
    program: 'test/bench/src/reference-server.ts',
    env: databaseUrl === undefined ? {} : { REFERENCE_DATABASE_URL: databaseUrl },
    logFile: join(scratch, 'reference.log'),
  })
const nobody = { ask: async (name: string, body: never) => fakeAdmin(name, body) } as unknown as Awaited<
  ReturnType<typeof openAdmin>
>

/** The reference server has no accounts and no rooms: any name works. */
function fakeAdmin(name: string, body: { users?: { account: string }[]; rooms?: { name: string }[] }): unknown {
  if (name === 'addUsers') return { users: body.users!.map((user) => ({ ...user, key: 'none' })) }
  return { rooms: body.rooms!.map((room) => ({ ...room, uri: `ma-chan://x/${room.name}` })) }
}

const SESSIONS = 64
const ROOMS = 64
const WINDOW = 16

async function benchStandard(): Promise<void> {
  await using pool = await startStandardPool({ interval: '1m' })
  const admin = await openAdmin(pool.server)
  const talkers = await seatTalkers({
    admin,
    endpoints: [`${pool.server.replace('http', 'ws')}/channel`],
    sessions: SESSIONS,
    rooms: ROOMS,
  })
  const cpu = cpuSeconds(pool.process.pid!)
  const { acceptedPerSecond, accepted } = await closedLoop(talkers, { window: WINDOW, seconds })
  const cpuPerThousand = ((cpuSeconds(pool.process.pid!) - cpu) / accepted) * 1_000
  const half = await openLoop(talkers, { perSecond: acceptedPerSecond / 2, seconds: seconds / 2 })
  for (const talker of talkers) talker.client.close()
  await pool.process.stop()

  const echo = await benchEcho(acceptedPerSecond / 2)
  row(
    'SQLite: durable chats accepted, staging on',
    acceptedPerSecond,
    '/s',
    rawSqlite({ group: GROUP, seconds: 3 }),
    `raw driver, groups of ${GROUP}`,
  )
  row('SQLite: the same, against a bare socket', acceptedPerSecond, '/s', echo.acceptedPerSecond, 'bare ws echo')
  row('SQLite: post latency p50 at half that rate', half.p50, 'ms', echo.p50, 'bare ws echo, same rate')
  row('SQLite: post latency p99 at half that rate', half.p99, 'ms', echo.p99, 'bare ws echo, same rate')
  process.stdout.write(`  (all threads of the pool used ${cpuPerThousand.toFixed(2)} CPU-seconds per 1,000 chats)\n`)
}

async function benchEcho(perSecond: number): Promise<{ acceptedPerSecond: number; p50: number; p99: number }> {
  const server = reference()
  const { ready } = await server.start()
  const talkers = await seatTalkers({ admin: nobody, endpoints: [ready as string], sessions: SESSIONS, rooms: ROOMS })
  const { acceptedPerSecond } = await closedLoop(talkers, { window: WINDOW, seconds: 3 })
  const latency = await openLoop(talkers, { perSecond, seconds: 3 })
  for (const talker of talkers) talker.client.close()
  await server.kill()
  return { acceptedPerSecond, ...latency }
}

async function benchEnterprise(): Promise<void> {
  await using pool = await startEnterprisePool({ channelServices: 2, workers: 2, durable: true })
  const admin = await openAdmin(pool.server)
  const [key] = await addAccounts(admin, ['bench-probe'])
  const endpoints = new Set<string>()
  // The lookup service distributes sign-ins over both channel services.
  for (let n = 0; n < 20 && endpoints.size < 2; n += 1) {
    const response = await fetch(`${pool.server}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: 'bench-probe', password: key }),
    })
    endpoints.add(((await response.json()) as { endpoint: string }).endpoint)
  }
  const talkers = await seatTalkers({ admin, endpoints: [...endpoints], sessions: SESSIONS, rooms: ROOMS })
  const { acceptedPerSecond } = await closedLoop(talkers, { window: WINDOW, seconds })
  const half = await openLoop(talkers, { perSecond: acceptedPerSecond / 2, seconds: seconds / 2 })
  for (const talker of talkers) talker.client.close()
  const echo = await benchEcho(acceptedPerSecond / 2)
  const raw = await rawPostgres({ url: await pool.postgres.createDatabase('raw'), group: GROUP, seconds: 3 })
  row(
    'PostgreSQL + Redis: durable chats accepted, staging on',
    acceptedPerSecond,
    '/s',
    raw,
    `raw driver, groups of ${GROUP}`,
  )
  row('PostgreSQL + Redis: post latency p50 at half that rate', half.p50, 'ms', echo.p50, 'bare ws echo, same rate')
  row('PostgreSQL + Redis: post latency p99 at half that rate', half.p99, 'ms', echo.p99, 'bare ws echo, same rate')
}

const CROWD = 1_000
const CROWD_ROOMS = 20
/** Posts per second: a quiet pool of these users, and 20,000 deliveries per second. */
const RATES = [22, 400]

/** How long a chat takes to reach everybody in its room, and its cost, at rates below saturation. */
async function benchLatency(): Promise<void> {
  const ours = await latencyOfPool()
  const bare = await latencyOfReference()
  const beside = 'bare ws + PostgreSQL'
  for (const [at, rate] of ours.rates.entries()) {
    const other = bare.rates[at]!
    if (rate.missing > 0) throw new Error(`${rate.missing} copies did not arrive.`)
    const crowd = `${whole(CROWD)} people in rooms of ${CROWD / CROWD_ROOMS}`
    row(
      `PostgreSQL + Redis: ${RATES[at]} chats a second to ${crowd}, p50`,
      rate.spread.p50,
      'ms',
      other.spread.p50,
      beside,
    )
    row('the same, p99', rate.spread.p99, 'ms', other.spread.p99, beside)
    row('the same, share of a core', rate.share, '%', other.share, beside)
    row('the same, bytes a delivery', rate.bytes, 'B', other.bytes, beside)
  }
  row('PostgreSQL + Redis: CPU of a sign-in with a key and a join', ours.seatedMs, 'ms', bare.seatedMs, beside)
}

async function latencyOfPool() {
  await using pool = await startEnterprisePool({ channelServices: 1, workers: 1, runInterval: '15m', durable: true })
  const [before, from] = [cpuSecondsOfDescendants(), performance.now()]
  await systemClock.sleep(1_000 * seconds)
  const idle = (100 * (cpuSecondsOfDescendants() - before)) / ((performance.now() - from) / 1_000)
  process.stdout.write(`  (with nobody in it the pool, its database and Redis take ${idle.toFixed(1)} % of a core)\n`)
  const admin = await openAdmin(pool.server)
  return await measureCrowd(admin, await channelEndpoint(pool.server, admin))
}

async function latencyOfReference() {
  const postgres = await startPostgres({ durable: true })
  const server = reference(await postgres.createDatabase('reference'))
  try {
    const { ready } = await server.start()
    return await measureCrowd(nobody, ready as string)
  } finally {
    await server.kill()
    await postgres.stop()
  }
}

async function measureCrowd(admin: Awaited<ReturnType<typeof openAdmin>>, endpoint: string) {
  let before = 0
  const beforeSeating = () => {
    before = cpuSecondsOfDescendants()
  }
  const crowd = { sessions: CROWD, rooms: CROWD_ROOMS }
  const talkers = await seatTalkers({ admin, endpoints: [endpoint], ...crowd, beforeSeating })
  const seatedMs = ((cpuSecondsOfDescendants() - before) / CROWD) * 1_000
  // The join notices of all users have been read.
  await systemClock.sleep(2_000)
  const bytesRead = () => talkers.reduce((sum, { client }) => sum + client.socket.bytesRead, 0)
  const copies = () => talkers.reduce((sum, { received }) => sum + received, 0)
  const rates = []
  for (const postsPerSecond of RATES) {
    const [cpu, bytes, had, from] = [cpuSecondsOfDescendants(), bytesRead(), copies(), performance.now()]
    const found = await deliveriesAtRate(talkers, { postsPerSecond, seconds, members: CROWD / CROWD_ROOMS })
    const share = (100 * (cpuSecondsOfDescendants() - cpu)) / ((performance.now() - from) / 1_000)
    rates.push({ ...found, share, bytes: (bytesRead() - bytes) / (copies() - had) })
  }
  for (const talker of talkers) talker.client.close()
  return { seatedMs, rates }
}

async function channelEndpoint(server: string, admin: Awaited<ReturnType<typeof openAdmin>>): Promise<string> {
  const [key] = await addAccounts(admin, ['bench-latency'])
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ account: 'bench-latency', password: key })
  const response = await fetch(`${server}/sign-in`, { method: 'POST', headers, body })
  return ((await response.json()) as { endpoint: string }).endpoint
}

async function benchFanOut(): Promise<void> {
  const measure = async (pid: number, talkers: Awaited<ReturnType<typeof seatTalkers>>) => {
    // Two senders per room; everybody receives.
    const senders = talkers.slice(0, 40)
    const before = cpuSeconds(pid)
    const receivedBefore = talkers.reduce((sum, talker) => sum + talker.received, 0)
    await closedLoop(senders, { window: 8, seconds, warmUp: 1 })
    await systemClock.sleep(500)
    const delivered = talkers.reduce((sum, talker) => sum + talker.received, 0) - receivedBefore
    for (const talker of talkers) talker.client.close()
    return delivered / (cpuSeconds(pid) - before)
  }
  const server = reference()
  const { ready } = await server.start()
  const bare = await measure(
    server.pid!,
    await seatTalkers({ admin: nobody, endpoints: [ready as string], sessions: 1_000, rooms: 20 }),
  )
  await server.kill()

  await using pool = await startStandardPool({ interval: '1m' })
  const admin = await openAdmin(pool.server)
  const talkers = await seatTalkers({
    admin,
    endpoints: [`${pool.server.replace('http', 'ws')}/channel`],
    sessions: 1_000,
    rooms: 20,
  })
  const ours = await measure(pool.process.pid!, talkers)
  row(
    'SQLite: deliveries per core-second, rooms of 50, all threads counted',
    ours,
    '/s',
    bare,
    'bare ws, a send a member, nothing kept',
  )
}

async function benchPipeline(): Promise<void> {
  // First all chats are accepted; then the compliance side is measured alone, starting idle.
  const data = join(scratch, 'pipeline')
  const chats = 100_000
  const filler = serviceProcess({
    name: 'filler',
    program: 'test/bench/src/fill-outbox.ts',
    args: [data, String(chats)],
    env: {},
    logFile: join(scratch, 'filler.log'),
  })
  const filled = await filler.start()
  await filler.stop()
  await using pool = await startStandardPool({ interval: '30d', data })
  const admin = await openAdmin(pool.server)
  const started = performance.now()
  for (;;) {
    const { sources } = await admin.ask('status')
    const source = sources.find((entry) => entry.source === 'filler')
    if (source && source.stagedThrough >= chats) break
    await systemClock.sleep(50)
  }
  const stagedPerSecond = chats / ((performance.now() - started) / 1_000)
  const sealing = performance.now()
  await admin.request('seal')
  const exportedPerSecond = chats / ((performance.now() - sealing) / 1_000)
  const raw = rawSqlite({ group: 100, seconds: 3 })
  row('SQLite: events moved from outbox to staged', stagedPerSecond, '/s', raw, 'raw driver, groups of 100')
  row('SQLite: events exported and sealed', exportedPerSecond, '/s', raw, 'raw driver, groups of 100')
  process.stdout.write(`  (outbox filled by the record writer alone at ${whole(Number(filled['perSecond']))} /s)\n`)
}

async function benchMemory(): Promise<void> {
  const count = 5_000
  const server = reference()
  const { ready } = await server.start()
  const bareBefore = residentBytes(server.pid!)
  const bare = await Promise.all(Array.from({ length: count }, () => openRawClient(ready as string)))
  await systemClock.sleep(1_000)
  const bareEach = (residentBytes(server.pid!) - bareBefore) / count
  for (const client of bare) client.close()
  await server.kill()

  await using pool = await startStandardPool({ interval: '1m' })
  const admin = await openAdmin(pool.server)
  const keys = await addAccounts(
    admin,
    Array.from({ length: count }, (_, n) => `idle-${n}`),
  )
  const before = residentBytes(pool.process.pid!)
  const url = `${pool.server.replace('http', 'ws')}/channel`
  const clients = []
  for (let from = 0; from < count; from += 250) {
    clients.push(
      ...(await Promise.all(keys.slice(from, from + 250).map((key, n) => signedIn(url, `idle-${from + n}`, key)))),
    )
  }
  await systemClock.sleep(1_000)
  const each = (residentBytes(pool.process.pid!) - before) / count
  for (const client of clients) client.close()
  row('Memory of an idle signed-in session', each / 1_024, 'KiB', bareEach / 1_024, 'bare ws connection')
}

async function benchSearch(): Promise<void> {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    const name = dialect === 'sqlite' ? 'SQLite' : 'PostgreSQL'
    const { history, searches, all, indexedPerSecond } = await searchFigures(dialect, Number(values.chats))
    for (const { what, spread, found } of searches) {
      const [p50, p95, max] = [spread.p50, spread.p95, spread.max].map((ms) => ms.toFixed(1))
      process.stdout.write(`  (${name}: ${what}: p50 ${p50} ms, p95 ${p95} ms, max ${max} ms, ${found} found in 20)\n`)
    }
    process.stdout.write(`  (${name}: ${whole(indexedPerSecond)} chats indexed a second)\n`)
    const beside = 'a history page of 100, same percentile'
    row(`${name}: search over ${whole(Number(values.chats))} chats, p50`, all.p50, 'ms', history.p50, beside)
    row(`${name}: the same, p95`, all.p95, 'ms', history.p95, beside)
    row(`${name}: the same, longest`, all.max, 'ms', history.max, beside)
  }
}

async function benchRecord(): Promise<void> {
  const { strict, record } = await recordFigures(50_000)
  row('SQLite: CPU of an event in the record series', record, 'µs', strict, 'the same in the strict document')
}

async function benchRooms(): Promise<void> {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    const name = dialect === 'sqlite' ? 'SQLite' : 'PostgreSQL'
    for (const { what, spread } of await roomFigures(dialect)) {
      const [p50, max] = [spread.p50, spread.max].map((ms) => ms.toFixed(1))
      process.stdout.write(`  (${name}: rooms, ${what}: p50 ${p50} ms, max ${max} ms)\n`)
    }
  }
}

try {
  if (wanted.has('standard')) await benchStandard()
  if (wanted.has('enterprise')) await benchEnterprise()
  if (wanted.has('latency')) await benchLatency()
  if (wanted.has('fan-out')) await benchFanOut()
  if (wanted.has('pipeline')) await benchPipeline()
  if (wanted.has('record')) await benchRecord()
  if (wanted.has('memory')) await benchMemory()
  if (wanted.has('search')) await benchSearch()
  if (wanted.has('rooms')) await benchRooms()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
process.stdout.write('\n| what | figure | reference, same run | ratio |\n|---|---|---|---|\n')
for (const { what, figure, reference: beside, ratio } of rows) {
  process.stdout.write(`| ${what} | ${figure} | ${beside} | ${ratio} |\n`)
}
