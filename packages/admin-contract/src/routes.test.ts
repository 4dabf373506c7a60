import { expect, it } from 'vitest'
import { ADMIN_ROUTES, adminPath, exportId, parseExportId } from './index.ts'

it('escapes path parameters', () => {
  expect(adminPath('showExport', { adapter: 'a/b c', number: 3 })).toBe('/admin/exports/a%2Fb%20c/3')
})

it('refuses a path with a part missing', () => {
  expect(() => adminPath('request')).toThrow('"id"')
})

it('has unique methods and paths', () => {
  const names = Object.values(ADMIN_ROUTES).map((route) => `${route.method} ${route.path}`)
  expect(new Set(names).size).toBe(names.length)
})

it('parses the name of an export, and nothing else', () => {
  expect(parseExportId(exportId('xml-extended', 12))).toEqual({ adapter: 'xml-extended', number: 12 })
  for (const text of ['xml', 'xml/', '/1', 'xml/0', 'xml/01', 'xml/1/2', 'xml/1 ', 'x y/1', 'xml/-1', 'xml/1e3'])
    expect(parseExportId(text), text).toBeUndefined()
})
