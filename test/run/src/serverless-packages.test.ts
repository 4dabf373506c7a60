import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { serverlessPackages } from './serverless-packages.ts'

it('finds the rules, and omits packages that need a database', () => {
  const found = serverlessPackages(resolve(import.meta.dirname, '../../..'))

  expect(found).toEqual(expect.arrayContaining(['packages/rooms', 'packages/conversation', 'adapters/xml']))
  expect(found).not.toContain('packages/pool-store')
})
