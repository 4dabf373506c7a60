import { askRun } from './ask-run.ts'
import { type RedisServer, startRedis } from './redis.ts'

/** The run's one Redis. It must not be stopped, filled or flushed: a test that does starts its own. */
export type SharedRedis = AsyncDisposable & {
  readonly url: string
  /** A pool name for this caller: keys and channels begin with it, because pub/sub ignores database numbers. */
  readonly pool: string
  stop(): Promise<void>
}

/** The run's Redis. Without a run it is a private server. */
export async function shareRedis(): Promise<SharedRedis> {
  const told = await askRun('redis')
  const own: RedisServer | undefined = told ? undefined : await startRedis()
  const shared: SharedRedis = {
    url: told?.url ?? own!.url,
    pool: `test-${crypto.randomUUID().slice(0, 18)}`,
    stop: async () => own?.stop(),
    [Symbol.asyncDispose]: () => shared.stop(),
  }
  return shared
}
