export { openRedis } from './open-redis.ts'
export { requireRedis } from './require-redis.ts'
export { readTroubles } from './troubles.ts'
export { watchRedis } from './watch-redis.ts'
