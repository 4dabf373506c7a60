import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Told } from './ask-run.ts'
import { initCluster } from './init-cluster.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { type RedisServer, startRedis } from './redis.ts'

type RunServers = {
  readonly url: string
  /** Discards the templates: the migrations they were made with may have changed. */
  forgetTemplates(): void
  stop(): Promise<void>
}

/**
 * One PostgreSQL and one Redis for all test files of a run. Each starts on first request, so that a run of pure rules
 * starts none. Files request them over HTTP, because each worker thread loads this package anew.
 */
export async function startRunServers(): Promise<RunServers> {
  const directory = await mkdtemp(join(tmpdir(), 'hansard-templates-'))
  let generation = 1
  let cluster: ReturnType<typeof initCluster> | undefined
  let postgres: Promise<PostgresServer> | undefined
  let redis: Promise<RedisServer> | undefined
  const tell: { readonly [K in keyof Told]: () => Promise<Told[K]> } = {
    async postgres() {
      postgres ??= tell.cluster().then((cluster) => startPostgres({ cluster, connectionsMax: 600, unixSocket: true }))
      return { url: (await postgres).url }
    },
    async cluster() {
      cluster ??= initCluster()
      return { directory: (await cluster).data }
    },
    async redis() {
      redis ??= startRedis()
      return { url: (await redis).url }
    },
    templates: async () => ({ directory, generation }),
  }

  const server = createServer((request, response) => {
    const topic = (request.url ?? '').slice(1)
    const answer = Object.hasOwn(tell, topic) ? tell[topic as keyof Told]() : Promise.reject(new Error(`no ${topic}`))
    answer.then(
      (told) => response.end(JSON.stringify(told)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forgetTemplates() {
      generation += 1
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await Promise.all([postgres?.then((each) => each.stop()), redis?.then((each) => each.stop())])
      for (const made of [directory, (await cluster?.catch(() => undefined))?.directory])
        if (made) await rm(made, { recursive: true, force: true })
    },
  }
}
