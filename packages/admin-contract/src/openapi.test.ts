import { readFileSync, writeFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { ADMIN_ROUTES, openApiDocument, type Route } from './index.ts'

const DOCUMENT = new URL('../../../docs/openapi.json', import.meta.url)
const text = `${JSON.stringify(openApiDocument({ version: '1' }), null, 2)}\n`

it('is documented as the schemas define it', () => {
  if (process.env['HANSARD_GOLDEN'] === 'accept') writeFileSync(DOCUMENT, text)

  expect(readFileSync(DOCUMENT, 'utf8')).toBe(text)
})

it('is valid OpenAPI according to an independent validator', async () => {
  const validator = new Validator()

  expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  const wrong = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> }
  wrong.paths['/admin/users']!['get'] = { responses: 'none' }
  expect(await new Validator().validate(wrong)).toMatchObject({ valid: false })
})

it('describes every route, and has no dangling reference', () => {
  const document = JSON.parse(text) as {
    paths: Record<string, Record<string, { operationId: string; 'x-hansard-roles': unknown }>>
    components: { schemas: Record<string, unknown> }
  }
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  expect(operations.map((operation) => operation.operationId).sort()).toEqual(
    [...Object.keys(ADMIN_ROUTES), 'disableRoomsAndExportData', 'exportData', 'importData'].sort(),
  )
  for (const operation of operations) {
    const route: Route | undefined = ADMIN_ROUTES[operation.operationId as keyof typeof ADMIN_ROUTES]
    // What carries streams stands outside the catalogue.
    expect(operation['x-hansard-roles']).toEqual(route?.roles ?? ['administrator'])
  }
  const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!)
  expect(references.length).toBeGreaterThan(operations.length)
  for (const reference of references) expect(document.components.schemas).toHaveProperty(reference)
})
