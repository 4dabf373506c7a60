export { type BreakableProxy, startBreakableProxy } from './breakable-proxy.ts'
export { type ClamdServer, clamdProgram, EICAR, EICAR_SIGNATURE, startClamd } from './clamd.ts'
export { type PostgresServer, postgresBin, startPostgres } from './postgres.ts'
export { type RedisServer, startRedis } from './redis.ts'
