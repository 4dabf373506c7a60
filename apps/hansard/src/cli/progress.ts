import cliProgress from 'cli-progress'
import type { Io } from './io.ts'

type Progress = { update(done: number, about?: string): void; end(): void }

const NOTHING: Progress = { update: () => {}, end: () => {} }

/** A bar on standard error, when that is a terminal and somebody may be looking. */
export function startProgress(io: Io, { total, what, json }: { total: number; what: string; json: boolean }): Progress {
  if (json || !io.stderr.isTTY) return NOTHING
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: `${what} {bar} {percentage}%  {about}  {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    fps: 8,
    etaBuffer: 2_000,
  })
  bar.start(total, 0, { about: '' })
  return {
    update: (done, about = '') => bar.update(done, { about }),
    end: () => bar.stop(),
  }
}

/** One line that is rewritten while something of unknown length is waited for. */
export function startWaiting(io: Io, { what, json }: { what: string; json: boolean }): Progress {
  if (json || !io.stderr.isTTY) return NOTHING
  const marks = ['|', '/', '-', '\\']
  let turn = 0
  return {
    update(_done, about = '') {
      const line = `${marks[turn++ % marks.length]} ${what} ${about}`
      io.stderr.write(`\r\x1b[K${line.slice(0, (io.stderr.columns ?? 80) - 1)}`)
    },
    end: () => void io.stderr.write('\r\x1b[K'),
  }
}
