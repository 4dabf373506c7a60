import type { Redis } from 'ioredis'

/**
 * `away`: it may pass by itself, and another connection may lead to a Redis without it. `settings`: a person must
 * change the Redis. `full`: memory or disk; a person must make room.
 */
type RedisTrouble = { readonly kind: 'away' | 'settings' | 'full'; readonly text: string }

/** What keeps this Redis from carrying the queue. Asked with INFO, which managed services permit where CONFIG is forbidden. */
export async function readTroubles(redis: Redis): Promise<RedisTrouble[]> {
  const info = fieldsOf(await redis.info())
  const troubles: RedisTrouble[] = []
  if (info.get('loading') === '1')
    troubles.push({ kind: 'away', text: 'Redis is loading its data and answers nothing yet.' })
  if (info.get('role') === 'slave') {
    troubles.push({
      kind: 'away',
      text: 'Redis is a replica and takes no writes: HANSARD_REDIS_URL must lead to the primary.',
    })
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    troubles.push({
      kind: 'settings',
      text: `Redis has the maxmemory-policy ${policy} and may drop envelopes; it must be noeviction.`,
    })
  }
  const [used, most] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))]
  if (most > 0 && used >= most) troubles.push({ kind: 'full', text: 'Redis has no memory left: raise its maxmemory.' })
  if (info.get('aof_last_write_status') === 'err' || info.get('rdb_last_bgsave_status') === 'err')
    troubles.push({ kind: 'full', text: 'Redis cannot write to its disk: see its log.' })
  return troubles
}

function fieldsOf(info: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of info.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}
