import { type Command, InvalidArgumentError } from 'commander'
import { asked, json, positive, type Verbs } from '../cli/verb.ts'
import type { ReplayCommandOptions } from './replay.ts'

export function addReplayVerb(program: Command, { io, run }: Verbs): void {
  asked(json(program.command('replay')))
    .description('play logs of the #ubuntu corpus format into a pool, one room per file')
    .argument('<path...>', 'log files, or folders of .log files')
    .option('--speed <speed>', 'max, or how many times faster than in the logs, such as 60x', 'max')
    .option('--files-at-once <n>', 'files that are played side by side', positive, 40)
    .option('--encoding <name>', 'how the files are encoded, such as windows-1252 or utf-16le', encodingName, 'utf-8')
    .addHelpText('after', '\nWith --data, a pool is started for the replay when none is running there.')
    .action(
      run(async (paths: string[], options: ReplayCommandOptions) => {
        const { replayCommand } = await import('./replay.ts')
        return replayCommand(io, paths, options)
      }),
    )
}

function encodingName(text: string): string {
  try {
    return new TextDecoder(text).encoding
  } catch {
    throw new InvalidArgumentError('It takes the name of an encoding, such as utf-8, windows-1252 or utf-16le.')
  }
}
