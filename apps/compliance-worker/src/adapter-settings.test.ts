import { directoryProblem } from '@hansard/adapter'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS, parseAdapterSettings } from './adapter-settings.ts'
import { openBench } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS
const fileOf = (...entries: object[]) => JSON.stringify(entries.map((entry) => ({ adapter: 'xml', ...entry })))

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
