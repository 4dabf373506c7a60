export { startClamd } from './clamd.ts'
export { type PostgresServer, postgresBin, startPostgres } from './postgres.ts'
export { type RedisServer, startRedis } from './redis.ts'
export type { ServerProcess } from './server-process.ts'
