import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** The output of a process that runs `code`. */
function outputOf(code: string): { stdout: string; lines: Record<string, unknown>[] } {
  const program = `import { createLog } from '@hansard/log'; const log = createLog({ service: 'relay', level: 'info' }); ${code}`
  const args = ['--conditions=@hansard/source', '--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })
  return {
    stdout,
    lines: stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

describe('the log', () => {
  it('goes to standard error, one JSON object per line, and leaves standard output alone', () => {
    const { stdout, lines } = outputOf(
      "log.info({ room: 'desk' }, 'joined'); log.debug('too quiet'); log.child({ n: 1 }).warn('w')",
    )

    expect(stdout).toBe('')
    expect(lines).toMatchObject([
      { name: 'relay', room: 'desk', msg: 'joined' },
      { n: 1, msg: 'w' },
    ])
  })

  it('writes no secret, wherever it occurs', () => {
    const { lines } = outputOf(
      "log.info({ password: 'p1', token: 't1', config: { redisUrl: 'r1', secret: 's1' }, account: 'alice' }, 'x')",
    )

    expect(JSON.stringify(lines)).not.toMatch(/"(p1|t1|r1|s1)"/)
    expect(lines[0]).toMatchObject({ account: 'alice', password: '[secret]' })
  })
})
