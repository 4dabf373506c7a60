import { describe, expect, it } from 'vitest'
import { ConfigError } from './env.ts'
import { Env } from './index.ts'

describe('settings', () => {
  it('are parsed by their type', () => {
    const env = new Env({ NAME: 'desk', PORT: '7464', TLS: 'true', EVERY: '15m' })

    expect(env.string('NAME')).toBe('desk')
    expect(env.integer('PORT', { min: 1, max: 65_535, fallback: 1 })).toBe(7_464)
    expect(env.flag('TLS', { fallback: false })).toBe(true)
    expect(env.parsed('EVERY', { parse: (text) => text.length, fallback: 0 })).toBe(3)
    expect(() => env.check()).not.toThrow()
  })

  it('have their default when absent or empty', () => {
    const env = new Env({ NAME: '' })

    expect(env.string('NAME', { fallback: 'x' })).toBe('x')
    expect(env.optional('NAME')).toBeUndefined()
    expect(env.integer('PORT', { min: 1, max: 9, fallback: 3 })).toBe(3)
    expect(env.flag('TLS', { fallback: true })).toBe(true)
    expect(() => env.check()).not.toThrow()
  })

  it('are all reported at once, each with its permitted values', () => {
    const env = new Env({ PORT: '70000', TLS: 'yes', EVERY: 'never' })
    env.string('NAME')
    env.integer('PORT', { min: 1, max: 65_535, fallback: 1 })
    env.flag('TLS', { fallback: false })
    env.parsed('EVERY', {
      parse() {
        throw new Error('it takes 1m to 30d.')
      },
      fallback: 0,
    })

    expect(() => env.check()).toThrow(ConfigError)
    expect(() => env.check()).toThrow(/NAME is not set[\s\S]*65535[\s\S]*true or false[\s\S]*1m to 30d/)
  })

  it.each(['1.5', '1e3', ' 5', '0x10', '-1', 'five'])('do not accept "%s" as a whole number of sessions', (text) => {
    const env = new Env({ SESSIONS: text })
    env.integer('SESSIONS', { min: 0, max: 10_000, fallback: 1 })

    expect(() => env.check()).toThrow(/SESSIONS/)
  })

  it('list their permitted words', () => {
    const env = new Env({ LEVEL: 'loud' })
    expect(env.choice('LEVEL', { of: ['info', 'warn'], fallback: 'info' })).toBe('info')
    expect(env.choice('OTHER', { of: ['info', 'warn'], fallback: 'warn' })).toBe('warn')

    expect(() => env.check()).toThrow('LEVEL is "loud"; it takes one of: info, warn.')
  })

  it('are declared by being read', () => {
    const env = new Env({})
    env.string('NAME')
    env.optional('SITE')
    env.integer('PORT', { min: 1, max: 65_535, fallback: 7_464 })
    env.flag('TLS', { fallback: false })
    env.choice('LEVEL', { of: ['info', 'warn'], fallback: 'info' })
    env.string('NAME', { fallback: 'x' })

    expect(env.declared()).toEqual([
      { name: 'NAME', takes: 'text', fallback: 'required' },
      { name: 'SITE', takes: 'text', fallback: undefined },
      { name: 'PORT', takes: '1 to 65,535', fallback: '7464' },
      { name: 'TLS', takes: '`true`, `false`', fallback: 'false' },
      { name: 'LEVEL', takes: '`info`, `warn`', fallback: 'info' },
    ])
  })
})
