import { expect, it } from 'vitest'
import { exportProblem } from './export-problem.ts'

const gone = (path: string) => Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'scandir', path })

it('names the output directory for errors in it, and the path for errors elsewhere', () => {
  expect(exportProblem(gone('/exports/xml/a.xml'), '/exports/xml')).toContain('/exports/xml is missing')
  expect(exportProblem(gone('/exports/xml'), '/exports/xml/')).toContain('/exports/xml/ is missing')
  expect(exportProblem(gone('/exports/xml-old'), '/exports/xml')).toContain('/exports/xml-old is missing')
})
