import { delimiter } from 'node:path'
import { expect, it } from 'vitest'
import { commonSettings, directoriesAllowed, Env, listenAddress, poolDatabaseUrl, redisUrl, site } from './index.ts'

it('reads the settings that all services share under the same names', () => {
  const env = new Env({
    HANSARD_POOL: 'desk',
    HANSARD_DOMAIN: 'fourthcoffee.example',
    HANSARD_LOG_LEVEL: 'debug',
    HANSARD_SITE: 'berlin',
    HANSARD_POOL_DATABASE_URL: 'postgres://db/pool',
    HANSARD_REDIS_URL: 'redis://queue',
    HANSARD_LOOKUP_HOST: '10.0.0.1',
    HANSARD_LOOKUP_PORT: '80',
  })

  expect(commonSettings(env)).toEqual({ pool: 'desk', domain: 'fourthcoffee.example', logLevel: 'debug' })
  expect(site(env)).toBe('berlin')
  expect(poolDatabaseUrl(env)).toBe('postgres://db/pool')
  expect(redisUrl(env)).toBe('redis://queue')
  expect(listenAddress(env, 'LOOKUP', 7_464)).toEqual({ host: '10.0.0.1', port: 80 })
  expect(() => env.check()).not.toThrow()
})

it('has defaults for all but the addresses of databases', () => {
  const env = new Env({ HANSARD_SITE: '' })

  expect(commonSettings(env)).toEqual({ pool: undefined, domain: undefined, logLevel: 'info' })
  expect(commonSettings(env, { logLevel: 'warn' }).logLevel).toBe('warn')
  expect(site(env)).toBeUndefined()
  expect(listenAddress(env, 'FILES', 7_467)).toEqual({ host: '127.0.0.1', port: 7_467 })
  expect(directoriesAllowed(env)).toEqual([])
  poolDatabaseUrl(env)
  redisUrl(env)

  expect(() => env.check()).toThrow(/HANSARD_POOL_DATABASE_URL is not set[\s\S]*HANSARD_REDIS_URL is not set/)
})

it('accepts only absolute paths for the directories that adapters may write to', () => {
  const name = 'HANSARD_OUTPUT_DIRECTORIES_ALLOWED'

  expect(directoriesAllowed(new Env({ [name]: `/a${delimiter}${delimiter}/b` }))).toEqual(['/a', '/b'])
  const env = new Env({ [name]: `/a${delimiter}b` })
  directoriesAllowed(env)
  expect(() => env.check()).toThrow(/b is not an absolute path/)
})
