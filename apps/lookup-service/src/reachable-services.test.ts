import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PROBE_HEADER, PROBE_PROTOCOL } from '@hansard/bus'
import { ManualClock } from '@hansard/clock'
import { silentLog } from '@hansard/log'
import { afterEach, expect, it } from 'vitest'
import { createAssignments } from './assignments.ts'
import { createReachableServices } from './reachable-services.ts'

const running: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

/** A server in place of a channel service. `answer` writes its reply to a probe. */
async function serverThat(answer: (socket: import('node:stream').Duplex) => void) {
  let asked = 0
  const server: Server = createServer((_request, response) => response.writeHead(502).end())
  server.on('upgrade', (request, socket) => {
    asked += 1
    expect(request.headers['sec-websocket-protocol']).toBe(PROBE_PROTOCOL)
    answer(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    server.close()
  }
  running.push(stop)
  return { endpoint: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/channel`, stop, asked: () => asked }
}
const says = (text: string) => (socket: import('node:stream').Duplex) => void socket.end(`HTTP/1.1 ${text}\r\n\r\n`)
const alive = (name: string) => serverThat(says(`204 No Content\r\n${PROBE_HEADER}: ${name}\r\nconnection: close`))

function lookup() {
  const clock = new ManualClock(0)
  const assignments = createAssignments({ clock })
  const services = createReachableServices({ assignments, clock, log: silentLog })
  running.push(() => services.loop.stop())
  const report = (service: string, endpoint: string, sessions = 0) =>
    assignments.report({ service, endpoint, sessions, sessionsMax: 100 })
  const { loop } = services
  const assign = async (...given: Parameters<typeof services.assign>) => (await services.assign(...given))?.endpoint
  return { clock, services: { loop, assign }, report, assignments }
}

it('assigns no client to a dead service, and assigns clients again when it is back', async () => {
  const { clock, services, report } = lookup()
  const [dead, other] = [await alive('a'), await alive('b')]
  report('a', dead.endpoint)
  report('b', other.endpoint, 50)
  expect(await services.assign([], undefined)).toBe(dead.endpoint)

  await dead.stop()
  clock.advance({ seconds: 1 })
  expect(await services.assign([], undefined)).toBe(other.endpoint)

  const port = Number(new URL(dead.endpoint).port)
  const back = createServer()
  back.on('upgrade', (_request, socket) => says(`204 No Content\r\n${PROBE_HEADER}: a\r\nconnection: close`)(socket))
  back.listen(port, '127.0.0.1')
  await once(back, 'listening')
  running.push(async () => void back.close())
  await expect
    .poll(async () => {
      clock.advance({ seconds: 1 })
      return services.assign([], undefined)
    })
    .toBe(dead.endpoint)
})

it.each([
  ['a proxy answers in its place', says('502 Bad Gateway\r\ncontent-length: 0')],
  ['another service answers', says(`204 No Content\r\n${PROBE_HEADER}: another`)],
  ['it is stopping', says('503 Service Unavailable\r\ncontent-length: 0')],
  ['the connection breaks', (socket: import('node:stream').Duplex) => void socket.destroy()],
])('sends nobody to a service where %s', async (_, answer) => {
  const { services, report } = lookup()
  report('a', (await serverThat(answer)).endpoint)
  expect(await services.assign([], undefined)).toBeUndefined()
})

it('probes once for concurrent sign-ins', async () => {
  const { services, report } = lookup()
  const service = await alive('a')
  report('a', service.endpoint)
  await Promise.all(Array.from({ length: 50 }, () => services.assign([], undefined)))
  expect(service.asked()).toBe(1)
})

it('assigns a client another service than the one it could not reach, if there is one, and keeps both in use', async () => {
  const { services, report } = lookup()
  const [one, two] = [await alive('a'), await alive('b')]
  report('a', one.endpoint)
  report('b', two.endpoint, 50)
  expect(await services.assign([], one.endpoint)).toBe(two.endpoint)
  expect(await services.assign(['a'], one.endpoint)).toBe(one.endpoint)
  expect(await services.assign([], undefined)).toBe(one.endpoint)
})

it('leaves out a service that announces its stop', async () => {
  const { services, report, assignments } = lookup()
  report('a', (await alive('a')).endpoint)
  assignments.remove('a')
  expect(await services.assign([], undefined)).toBeUndefined()
})
