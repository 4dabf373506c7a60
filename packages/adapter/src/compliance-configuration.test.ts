import { describe, expect, it } from 'vitest'
import {
  ADAPTER_TYPES,
  adaptersOf,
  type ComplianceConfiguration,
  type ComplianceSettings,
  configurationsOf,
  configurationsProblem,
  directoryOf,
  openXsltEngine,
  outputDirectoryProblem,
  runIntervalOf,
  stylesheetProblem,
} from './index.ts'

const allowed = { outputDirectory: '/srv/exports', directoriesAllowed: ['/mnt/pickup'] }
const global = (settings: ComplianceSettings = {}): ComplianceConfiguration => ({ identity: 'global', settings })
const other = (settings: ComplianceSettings = {}, identity = 'adapter:vendor'): ComplianceConfiguration => ({
  identity,
  settings,
})

describe('the adapters of a pool', () => {
  it('are one per configuration: their own flags override the global ones, which override the defaults', () => {
    const adapters = adaptersOf([
      global({ addUserDetails: true, adapterType: 'xml-extended', customConfiguration: '<a/>', eventsPerFileMax: 5 }),
      other({ addUserDetails: false, addChatRoomDetails: undefined, adapterOutputDirectory: 'for the vendor' }),
    ])
    const common = { addChatRoomDetails: false, oneChatRoomPerOutputFile: false, createFileAttachmentsManifest: false }
    expect(adapters).toEqual([
      {
        ...{ name: 'vendor', adapter: 'xml-extended', outputDirectory: 'for the vendor' },
        ...{ ...common, addUserDetails: false, eventsPerFileMax: 5 },
      },
      {
        ...{ name: 'xml', adapter: 'xml-extended', stylesheet: '<a/>' },
        ...{ ...common, addUserDetails: true, eventsPerFileMax: 5 },
      },
    ])
  })

  it('can be recovered from the configurations made from them', () => {
    const adapters = adaptersOf([global({ adapterName: 'a' }), other({ customConfiguration: '<b/>' })])
    expect(adaptersOf(configurationsOf(adapters))).toEqual(adapters)
    expect(configurationsProblem(configurationsOf(adapters), allowed)).toBeUndefined()
  })

  it('share the interval of the global configuration', () => {
    expect(runIntervalOf([other(), global({ runIntervalMs: 60_000 })])).toBe(60_000)
    expect(runIntervalOf([other(), global()])).toBeUndefined()
  })
})

describe('a configuration is refused', () => {
  it.each<[string, ComplianceConfiguration[], string]>([
    ['when none would be left', [], 'nothing would be exported'],
    ['by an identity that is none', [global(), other({}, 'pool:x')], 'pool:x: an identity is global'],
    ['by an adapter nobody has', [global({ adapterType: 'akonix' })], 'there is no adapter of type "akonix"'],
    ['by a name that makes no folder', [global({ adapterName: '../x' })], 'takes lower-case letters'],
    ['by an identity that makes no folder and has no name', [global(), other({}, 'site:Redmond')], 'adapterName'],
    ['when two have one name', [global(), other({ adapterName: 'xml' })], 'Two adapters are called xml'],
    ['when two write to one directory', [global(), other({ adapterOutputDirectory: 'xml' })], 'both write to'],
    [
      'when one writes where another is by default',
      [global(), other({ adapterOutputDirectory: '/srv/exports/xml' })],
      'both',
    ],
    ['by an interval of its own', [global(), other({ runIntervalMs: 60_000 })], 'set the run interval in global'],
    ['by an interval that is too short', [global({ runIntervalMs: 59_999 })], 'one minute to thirty days'],
    ['by an interval that is too long', [global({ runIntervalMs: 31 * 86_400_000 })], 'one minute to thirty days'],
    ['by files without events', [global({ eventsPerFileMax: 0 })], 'eventsPerFileMax'],
    ['by a stylesheet of a size nobody writes', [global({ customConfiguration: 'x'.repeat(1_048_577) })], '1 MiB'],
    ['by a directory outside', [global({ adapterOutputDirectory: '/etc' })], 'is not allowed'],
  ])('%s', (_, configurations, problem) => {
    expect(configurationsProblem(configurations, allowed)).toContain(problem)
  })

  it('and is not refused when it is valid', () => {
    const site = other({ adapterName: 'redmond', adapterOutputDirectory: '/mnt/pickup/redmond' }, 'site:Redmond')
    const configurations = [global({ runIntervalMs: 900_000 }), other({ adapterOutputDirectory: 'vendor/in' }), site]
    for (const adapterType of ADAPTER_TYPES) {
      expect(configurationsProblem([...configurations, other({ adapterType }, 'service:p1')], allowed)).toBeUndefined()
    }
  })
})

describe('a directory', () => {
  it.each(['vendor', 'vendor/in', 'a b/c-d_e.f', '/srv/exports', '/srv/exports/x', '/mnt/pickup', '/mnt/pickup/a/b'])(
    'may be written to: %j',
    (directory) => {
      expect(outputDirectoryProblem(directory, allowed)).toBeUndefined()
    },
  )

  it.each([
    ...['..', '../x', 'a/../../x', 'a//b', 'a/', '.', '.hidden', 'a\\b', 'a\0', '', ' ', 'C:\\x', '~'],
    ...['/', '/etc/cron.d', '/srv', '/srv/exports-2', '/srv/exports/../x', '/mnt/pickup/../..', '/mnt/pickup\0'],
  ])('may not be written to: %j', (directory) => {
    expect(outputDirectoryProblem(directory, allowed)).toContain(JSON.stringify(directory))
  })

  it('is relative to the output directory unless it is absolute', () => {
    expect(directoryOf({ name: 'xml' }, '/srv/exports')).toBe('/srv/exports/xml')
    expect(directoryOf({ name: 'xml', outputDirectory: 'a/b' }, '/srv/exports')).toBe('/srv/exports/a/b')
    expect(directoryOf({ name: 'xml', outputDirectory: '/mnt/pickup' }, '/srv/exports')).toBe('/mnt/pickup')
  })

  it('outside is never permitted by a relative path', () => {
    expect(outputDirectoryProblem('/etc', { directoriesAllowed: ['.', ''] })).toContain('not allowed')
  })
})

it('an invalid stylesheet is reported before it is used', async () => {
  const engine = await openXsltEngine()
  try {
    expect(await stylesheetProblem(engine, '<a/>')).toContain('could not be applied')
    expect(await stylesheetProblem(engine, '<!DOCTYPE x><a/>')).toContain('DOCTYPE')
    const fine = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    expect(await stylesheetProblem(engine, fine)).toBeUndefined()
  } finally {
    await engine.close()
  }
})
