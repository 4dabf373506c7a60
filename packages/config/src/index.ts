export { addressKey } from './address-key.ts'
export {
  type ClockSettings,
  type CommonSettings,
  clockSettings,
  commonSettings,
  complianceDatabaseUrl,
  directoriesAllowed,
  type ListenAddress,
  listenAddress,
  poolDatabaseUrl,
  redisUrl,
  site,
} from './common-settings.ts'
export { decodeText, TextError } from './decode-text.ts'
export { ConfigError, Env, type Setting } from './env.ts'
