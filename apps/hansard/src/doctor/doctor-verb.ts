import type { Command } from 'commander'
import { json, type Verbs } from '../cli/verb.ts'

export function addDoctorVerb(program: Command, { io, run }: Verbs): void {
  json(program.command('doctor'))
    .description('whether the loss of a database server can take acknowledged chats; exit code 1 when it can')
    .option(
      '--data <dir>',
      'the data directory of a pool of one process; otherwise as the settings of the services say',
    )
    .action(
      run(async (options: { data?: string; json: boolean }) => {
        const { doctorCommand } = await import('./doctor.ts')
        return doctorCommand(io, options)
      }),
    )
}
