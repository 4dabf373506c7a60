import type { Command } from 'commander'
import { asked, json, type PoolOptions, type Verbs } from '../cli/verb.ts'

export function addSourcesVerbs(program: Command, { io, run }: Verbs): void {
  const sources = program.command('sources').description('services that record events')
  asked(json(sources.command('declare-dead')))
    .description('say that a silent source will not come back, so that intervals can close without it')
    .argument('<source>', 'as status names it')
    .action(
      run(async (source: string, options: PoolOptions) => {
        const { declareDead } = await import('./sources.ts')
        return declareDead(io, source, options)
      }),
    )
}
