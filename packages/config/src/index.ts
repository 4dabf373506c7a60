export { decodeText, TextError } from './decode-text.ts'
export { ConfigError, Env } from './env.ts'
