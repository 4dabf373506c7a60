export { openRedis, pointsAway } from './open-redis.ts'
export { RedisUnreachable, requireRedis, UnsuitableRedis } from './require-redis.ts'
export { type RedisTrouble, readTroubles } from './troubles.ts'
export { type RedisWatch, watchRedis } from './watch-redis.ts'
