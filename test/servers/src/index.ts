export { type BreakableProxy, startBreakableProxy } from './breakable-proxy.ts'
export { type ClamdServer, clamdProgram, EICAR, EICAR_SIGNATURE, startClamd } from './clamd.ts'
export { postgresBin } from './init-cluster.ts'
export { type PostgresServer, startPostgres } from './postgres.ts'
export { type RedisServer, startRedis } from './redis.ts'

export { type SharedPostgres, sharePostgres } from './shared-postgres.ts'
export { type SharedRedis, shareRedis } from './shared-redis.ts'
export { copyOfTemplate, type Template, template } from './template.ts'
