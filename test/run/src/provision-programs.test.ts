import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findMissingPrograms } from './provision-programs.ts'

describe('the programs the tests need', () => {
  it('are all installed', () => {
    expect(findMissingPrograms(process.env['PATH'] ?? '')).toEqual([])
  })

  it('are named when they are not on the PATH', () => {
    const empty = mkdtempSync(join(tmpdir(), 'hansard-no-programs-'))

    const names = findMissingPrograms(empty).map((program) => program.name)

    expect(names).toEqual(expect.arrayContaining(['redis-server', 'xmllint', 'xsltproc', 'python3', 'openssl']))
  })
})
