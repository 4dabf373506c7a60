import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort, OPERATOR_PASSWORD } from './enterprise-pool.ts'
import { hansardCommand } from './hansard-command.ts'
import { nodeBinary, passedOn } from './service-process.ts'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const FLOOD = 1_500
const FILES_MAX = 600
let data: string
let pool: ChildProcess
let port: number
const sockets: Socket[] = []
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'hansard-half-sent-'))
  port = await freePort()
  const program = [nodeBinary(), '--conditions=@hansard/source', join(repository, 'apps/hansard/src/bin.ts')]
  const start = ['start', '--data', data, '--port', String(port), '--json']
  pool = spawn('sh', ['-c', `ulimit -n ${FILES_MAX}; exec "$0" "$@"`, ...program, ...start], {
    env: { ...passedOn(), HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(createInterface({ input: pool.stdout! }), 'line')
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  pool.kill('SIGKILL')
  await rm(data, { recursive: true, force: true, maxRetries: 5 })
})

it('half-sent requests from many addresses take no descriptor from chat or exports', async () => {
  const half = 'POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{'
  for (let n = 0; n < FLOOD; n += 1) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (n % 200)}` })
    socket.on('error', () => {})
    socket.on('connect', () => socket.write(half))
    sockets.push(socket)
    if (n % 100 === 99) await once(socket, 'connect').catch(() => {})
  }
  const command = (args: string[], more = {}) => hansardCommand([...args, '--data', data], more)

  expect(await command(['rooms', 'add', 'desk'])).toMatchObject({ code: 0 })
  const env = { HANSARD_PASSWORD: 'a long word of alice' }
  expect(await command(['users', 'add', 'alice', '--password'], { env })).toMatchObject({ code: 0 })
  expect(await command(['chat', 'desk', '--account', 'alice'], { env, input: 'hello\n' })).toMatchObject({ code: 0 })
  expect(await command(['seal'])).toMatchObject({ code: 0 })

  expect(sockets).toHaveLength(FLOOD)
  expect(sockets.filter((socket) => !socket.closed).length).toBeLessThan(FILES_MAX)
})
