import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import {
  type Admin,
  nodeBinary,
  OPERATOR_PASSWORD,
  openAdmin,
  startEnterprisePool,
  startStandardPool,
} from '@hansard/test-pool'
import { compareWithLogs } from './compare.ts'

// npm run corpus -- [--edition standard|enterprise] LOGS: replays real chats, seals, verifies, compares every chat.
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const { values, positionals } = parseArgs({
  options: { edition: { type: 'string', default: 'standard' } },
  allowPositionals: true,
})
const logs = positionals[0] ?? join(repository, 'fixtures/corpus')
const say = (line: string) => void process.stdout.write(`${line}\n`)

if (values.edition === 'enterprise') {
  await using pool = await startEnterprisePool({ channelServices: 2, workers: 2, durable: true })
  await run(pool.server, pool.outputDirectory)
} else {
  await using pool = await startStandardPool()
  await run(pool.server, pool.exports)
}

async function run(server: string, exports: string): Promise<void> {
  const summary = await replay(server)
  const admin = await openAdmin(server)
  const sealing = performance.now()
  await admin.request('seal', {}, 600_000)
  say(`sealed ${((performance.now() - sealing) / 1_000).toFixed(1)} s after the replay had ended`)
  const verified = await promisify(execFile)('python3', [join(repository, 'docs/verify.py'), exports], {
    maxBuffer: 2 ** 26,
  })
  say(verified.stdout.trim())
  const roomsFile = join(mkdtempSync(join(tmpdir(), 'hansard-corpus-')), 'rooms.json')
  writeFileSync(roomsFile, JSON.stringify(await namesByUri(admin)))
  const found = await compareWithLogs({ logs, exports: join(exports, 'xml'), roomsFile })
  say(
    `exports: ${found.rooms} rooms, ${found.chats} chats, ${found.joins} joins, ${found.parts} parts; ${found.differences.length} rooms differ from their logs`,
  )
  for (const difference of found.differences.slice(0, 20)) say(`  ${difference}`)
  const counted = found.chats === summary.chats && found.joins === summary.joins && found.parts === summary.parts
  say(counted ? 'the numbers are those of the replay' : `the replay counted ${JSON.stringify(summary)}`)
  if (!counted || found.differences.length > 0) process.exitCode = 1
}

async function replay(server: string): Promise<{ chats: number; joins: number; parts: number }> {
  const args = [
    '--conditions=@hansard/source',
    join(repository, 'apps/hansard/src/bin.ts'),
    'replay',
    logs,
    '--server',
    server,
    '--json',
  ]
  const child = spawn(nodeBinary(), args, {
    env: { PATH: process.env['PATH'] ?? '', HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  say(`replay: ${output.trim()}`)
  if (code !== 0) throw new Error(`The replay ended with ${code}.`)
  return JSON.parse(output)
}

async function namesByUri(admin: Admin): Promise<Record<string, string>> {
  const names: Record<string, string> = {}
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<typeof admin.list>> = await admin.list('listRooms', after)
    for (const { uri, name } of page.rooms) names[uri] = name
    after = page.next
  }
  return names
}
