import { Argument, type Command } from 'commander'
import type { Verbs } from '../cli/verb.ts'
import { SHELLS, type Shell } from './shells.ts'

export function addCompletionVerb(program: Command, { io, run }: Verbs): void {
  program
    .command('completion')
    .description('print what makes a shell complete this command: hansard completion bash >> ~/.bashrc')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(
      run(async (shell: Shell) => {
        const { completionScript } = await import('./completion-script.ts')
        io.stdout.write(completionScript(program, shell))
        return 0
      }),
    )
}
