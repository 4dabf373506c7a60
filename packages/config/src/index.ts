export { ConfigError, Env } from './env.ts'
