import type { Command } from 'commander'
import { json, type Verbs } from '../cli/verb.ts'
import type { BackupOptions } from './backup.ts'
import type { RestoreOptions } from './restore.ts'

const WHERE = `
With --data, or without HANSARD_POOL_DATABASE_URL: the pool of a data directory. Otherwise the pool that the settings of
the services name; run it with their environment, on a machine that sees the same directories.
`

export function addBackupVerbs(program: Command, { io, run }: Verbs): void {
  json(program.command('backup'))
    .description('copy a pool, running or not: databases, file stores, keys; and verify the copy')
    .argument('<directory>', 'an empty directory, or one to make')
    .option('--data <dir>', 'the data directory of a pool of one process')
    .option('--without-files', 'leave out the file stores, where they are backed up by other means', false)
    .addHelpText('after', WHERE)
    .action(
      run(async (directory: string, options: BackupOptions) => {
        const { backupCommand } = await import('./backup.ts')
        return backupCommand(io, directory, options)
      }),
    )
  json(program.command('restore'))
    .description('put a backup in an empty place; refuses a pool that runs, and replaces nothing')
    .argument('<directory>', 'what `hansard backup` made')
    .option('--data <dir>', 'the data directory to make')
    .addHelpText('after', WHERE)
    .action(
      run(async (directory: string, options: RestoreOptions) => {
        const { restoreCommand } = await import('./restore.ts')
        return restoreCommand(io, directory, options)
      }),
    )
}
