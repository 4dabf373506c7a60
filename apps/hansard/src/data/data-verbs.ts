import { EXPORT_LEVELS } from '@hansard/pool-data'
import type { Command } from 'commander'
import { choice, DATES, moment, type PoolOptions, poolVerb, several, type Verbs } from '../cli/verb.ts'
import type { ExportDataOptions } from './export-data.ts'

const REPORT = 'what was done, what not and why: a page, or JSON where the name ends in .json'

export function addDataVerbs(program: Command, { io, run }: Verbs): void {
  const exporting = poolVerb(
    program,
    'export-data',
    'people, categories, rooms and chats as a zip that anybody can read',
  )
    .argument('<file>', 'where the zip is to be')
    .addOption(choice('--level <level>', 'how much', EXPORT_LEVELS).default('all'))
  several(exporting, '--scope <category>', 'only this category')
    .option('--start <date>', `of a room-directory: rooms made or talked in since: ${DATES.from}`, moment)
    .option('--disable-exported-rooms', 'disable the rooms first, so that nothing is said in them after it', false)
    .option('--files', 'with the bytes of files', false)
    .option('--report <file>', REPORT)
    .action(
      run(async (file: string, options: ExportDataOptions) => {
        const { exportDataCommand } = await import('./export-data.ts')
        return exportDataCommand(io, file, options)
      }),
    )
  poolVerb(
    program,
    'import-data',
    'bring in what export-data took out; the same again goes on where it was interrupted',
  )
    .argument('<file>', 'the zip')
    .option('--dry-run', 'say what would be done, and change nothing', false)
    .option('--report <file>', REPORT)
    .action(
      run(async (file: string, options: PoolOptions & { dryRun: boolean; report?: string }) => {
        const { importDataCommand } = await import('./import-data.ts')
        return importDataCommand(io, file, options)
      }),
    )
}
