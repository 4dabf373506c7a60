import { directoryProblem } from '@hansard/adapter'
import { Env } from '@hansard/config'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS, parseAdapterSettings } from './adapter-settings.ts'
import { complianceProcessConfig } from './config.ts'
import { openBench } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS
const fileOf = (...entries: object[]) => JSON.stringify(entries.map((entry) => ({ adapter: 'xml', ...entry })))

it('a new pool exports the strict and the extended document, in both editions', () => {
  const env = new Env({
    HANSARD_COMPLIANCE_DATABASE_URL: 'sqlite::memory:',
    HANSARD_REDIS_URL: 'redis://127.0.0.1:1',
    HANSARD_OUTPUT_DIRECTORY: '/exports',
  })
  expect(complianceProcessConfig(env).adapters).toBe(DEFAULT_ADAPTERS)
  expect(DEFAULT_ADAPTERS.map(({ name, adapter }) => [name, adapter])).toEqual([
    ['xml', 'xml'],
    ['xml-extended', 'xml-extended'],
  ])
})

describe('the record series', () => {
  it('has a name, a type and a directory that no settings file may use', () => {
    expect(() => parseAdapterSettings(fileOf({ name: 'record' }), 'a.json')).toThrow(
      'every pool has a series of that name',
    )
    expect(() => parseAdapterSettings(fileOf({ name: 'x', adapter: 'record' }), 'a.json')).toThrow('adapter')
    expect(() => parseAdapterSettings(fileOf({ name: 'x', outputDirectory: 'record' }), 'a.json')).toThrow(
      'both write to',
    )
  })
})

describe('the output directories of adapters', () => {
  it('are refused when two are the same, however they are spelled', () => {
    const text = fileOf(
      { name: 'one', outputDirectory: '/exports/officers' },
      { name: 'two', outputDirectory: '/exports/x/../officers/' },
    )
    expect(() => parseAdapterSettings(text, 'adapters.json')).toThrow(
      'adapters.json: one and two both write to /exports/officers',
    )
  })

  it('are refused when one is another adapter’s default', () => {
    const adapters = [XML!, { ...XML!, name: 'two', outputDirectory: '/exports/xml' }]
    expect(directoryProblem(adapters, '/exports')).toContain('xml and two both write to /exports/xml')
    expect(directoryProblem(adapters, '/elsewhere')).toBeUndefined()
  })

  it('are refused by a worker before it writes anything', async () => {
    await using bench = await openBench()
    const adapters = [XML!, { ...XML!, name: 'two', outputDirectory: `${bench.directory}/xml` }]
    await expect(bench.worker({ adapters })).rejects.toThrow('both write to')
  })

  it('may be siblings or nested', () => {
    const text = fileOf(
      { name: 'one', outputDirectory: '/exports/officers' },
      { name: 'two', outputDirectory: '/exports/officers/two' },
      { name: 'three' },
      { name: 'four' },
    )
    expect(parseAdapterSettings(text, 'adapters.json')).toHaveLength(4)
    expect(directoryProblem(parseAdapterSettings(text, 'adapters.json'), '/exports')).toBeUndefined()
  })
})
