import { hash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { connect } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { silentLog } from '@hansard/log'
import { type ClamdServer, startClamd } from '@hansard/test-servers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { wsSocket } from '../cli/ws-socket.ts'
import { runCommandLine } from '../command-line.ts'
import { type StandardEdition, startStandardEdition } from '../standard-edition/standard-edition.ts'
import { uploadFile } from './transfer-files.ts'

const PASSWORD = 'a password of these tests'
let directory: string
let pool: StandardEdition
let clamd: ClamdServer

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hansard-chat-files-'))
  clamd = await startClamd()
  pool = await startStandardEdition(
    {
      ...{ data: join(directory, 'data'), port: 0, host: '127.0.0.1', domain: 'example.com', pool: 'test' },
      ...{ runIntervalMs: 60 * 60_000, operatorPassword: PASSWORD, logLevel: 'silent', complianceThread: false },
      clamd: clamd.url,
    },
    { clock: systemClock, log: silentLog },
  )
  for (const command of [
    ['rooms', 'add', 'desk'],
    ...['alice', 'bob'].map((who) => ['users', 'add', who, '--password']),
  ])
    expect(await hansard(command)).toMatchObject({ exitCode: 0 })
})
afterAll(async () => {
  await pool.stop()
  await clamd.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function hansard(args: readonly string[], input = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  const env = new Env({ HANSARD_PASSWORD: PASSWORD })
  const exitCode = await runCommandLine([...args, '--json', '--data', join(directory, 'data')], {
    ...{ stdin, stdout, stderr, env, stop: new AbortController().signal },
  })
  const lines = String(stdout.read() ?? '').split('\n')
  return { exitCode, events: lines.filter(Boolean).map((line) => JSON.parse(line)) }
}
const chat = (account: string, input: string) => hansard(['chat', '--commands', 'desk', '--account', account], input)

it('hands a file over in a room, says its link there, and lets another fetch it, in place of nothing', async () => {
  const content = Buffer.alloc(300_000, 'the minutes ')
  const [from, to] = [join(directory, 'minutes of June.txt'), join(directory, 'fetched by bob.txt')]
  writeFileSync(from, content)

  const up = await chat('alice', `/upload ${from}\n`)
  const { link, ...uploaded } = up.events.find(({ event }) => event === 'uploaded')
  const down = await chat('bob', `/history\n/download ${link} ${to}\n`)
  const again = await chat('bob', `/download ${link} ${to}\n`)

  expect([up.exitCode, down.exitCode, again.exitCode]).toEqual([0, 0, 1])
  expect(down.events.find(({ event }) => event === 'chat')).toMatchObject({ text: `minutes of June.txt ${link}` })
  const { fileName, size, sha256 } = uploaded
  expect({ fileName, size }).toEqual({ fileName: 'minutes of June.txt', size: 300_000 })
  expect(down.events.find(({ event }) => event === 'downloaded')).toMatchObject({ fileName, size, sha256, path: to })
  expect(readFileSync(to)).toEqual(content)
  expect(again.events.find(({ event }) => event === 'refused').message).toContain('it is there already')
})

it('goes on with a file where the connection broke', async () => {
  const content = Buffer.alloc(3_000_000, 'the long minutes ')
  const path = join(directory, 'long.txt')
  writeFileSync(path, content)
  const { proxy, url, connections } = await startProxy({ cutFirstAfter: 1_000_000 })
  const server = pool.urls.server
  const client = await connect({ server, account: 'alice', password: PASSWORD, openSocket: wsSocket })
  const throughProxy: typeof client = {
    ...client,
    uploadToken: async (...asked) => ({ ...(await client.uploadToken(...asked)), urls: [`${url}/files/upload`] }),
  }
  const [room] = await client.rooms()

  const { sha256, size } = await uploadFile(throughProxy, room!.uri, path)

  expect({ sha256, size }).toEqual({ sha256: hash('sha256', content, 'hex'), size: content.length })
  expect(connections()).toBeGreaterThan(1)
  await client.close()
  proxy.close()
})

/** In front of the pool: its first connection breaks after so many bytes of the client's. */
async function startProxy({ cutFirstAfter }: { cutFirstAfter: number }) {
  let count = 0
  const proxy = createServer((socket) => {
    const first = ++count === 1
    const onward = connectTo(Number(new URL(pool.urls.server).port), '127.0.0.1')
    let passed = 0
    for (const each of [socket, onward]) each.on('error', () => {})
    socket.on('data', (piece) => {
      passed += piece.byteLength
      if (first && passed > cutFirstAfter) {
        socket.destroy()
        onward.destroy()
      } else onward.write(piece)
    })
    socket.on('close', () => onward.destroy())
    onward.pipe(socket)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return { proxy, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, connections: () => count }
}

it('tells what the pool says of a file that it does not take, and says no link', async () => {
  const infected = join(directory, 'offer.exe')
  writeFileSync(infected, 'an offer with EICAR in it')
  const large = join(directory, 'large.bin')
  writeFileSync(large, Buffer.alloc(20_000 * 1_024 + 1))

  const { exitCode, events } = await chat(
    'alice',
    `/upload ${infected}\n/upload ${large}\n/upload ${directory}\n/upload\n`,
  )

  expect(exitCode).toBe(1)
  const refusals = events.filter(({ event }) => event === 'refused')
  expect(refusals.map(({ code }) => code)).toEqual(['infected', 'too-large', undefined, undefined])
  expect(events.filter(({ event }) => event === 'chat')).toEqual([])
})
