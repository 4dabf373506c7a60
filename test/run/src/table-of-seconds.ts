import { relative } from 'node:path'

/** The part of vitest's JSON report that is read here. Times are milliseconds since 1970. */
export type TimedReport = {
  readonly testResults: readonly { readonly name: string; readonly startTime: number; readonly endTime: number }[]
}

const SLOWEST = 12

/**
 * A Markdown table: each folder with its files and their seconds, and the slowest files. Files run concurrently,
 * several on a core, so the sum exceeds the duration of the run.
 */
export function tableOfSeconds({ testResults }: TimedReport, root: string): string {
  const files = testResults
    .map(({ name, startTime, endTime }) => ({ file: relative(root, name), seconds: (endTime - startTime) / 1_000 }))
    .toSorted((a, b) => b.seconds - a.seconds)
  const folders = new Map<string, { files: number; seconds: number }>()
  for (const { file, seconds } of files) {
    const folder = file.split('/').slice(0, 2).join('/')
    const sum = folders.get(folder) ?? { files: 0, seconds: 0 }
    folders.set(folder, { files: sum.files + 1, seconds: sum.seconds + seconds })
  }
  const began = Math.min(...testResults.map(({ startTime }) => startTime))
  const ended = Math.max(...testResults.map(({ endTime }) => endTime))
  const total = files.reduce((sum, { seconds }) => sum + seconds, 0)
  const row = (...cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return [
    row('folder', 'files', 'seconds'),
    row('---', '--:', '--:'),
    ...[...folders]
      .toSorted(([, a], [, b]) => b.seconds - a.seconds)
      .map(([folder, sum]) => row(`\`${folder}\``, sum.files, sum.seconds.toFixed(1))),
    row('all, side by side', files.length, `${total.toFixed(1)} in ${((ended - began) / 1_000).toFixed(1)}`),
    '',
    row('slowest file', 'seconds'),
    row('---', '--:'),
    ...files.slice(0, SLOWEST).map(({ file, seconds }) => row(`\`${file}\``, seconds.toFixed(1))),
  ].join('\n')
}
