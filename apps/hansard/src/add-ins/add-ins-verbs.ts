import { ChangeAddInRequest } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { type GivenOptions, schemaOptions } from '../cli/schema-options.ts'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

export function addAddInVerbs(program: Command, { io, run }: Verbs): void {
  const addIns = program.command('add-ins').description('web pages that clients show beside a room')
  poolVerb(addIns, 'list', 'all add-ins').action(
    run(async (options: PoolOptions) => {
      const { listAddIns } = await import('./add-ins.ts')
      return listAddIns(io, options)
    }),
  )
  poolVerb(addIns, 'add', 'register an add-in')
    .argument('<name>')
    .argument('<url>', 'http or https')
    .action(
      run(async (name: string, url: string, options: PoolOptions) => {
        const { addAddIn } = await import('./add-ins.ts')
        return addAddIn(io, { name, url }, options)
      }),
    )
  schemaOptions(poolVerb(addIns, 'set', 'change an add-in').argument('<name>'), ChangeAddInRequest).action(
    run(async (addIn: string, options: PoolOptions & GivenOptions) => {
      const { setAddIn } = await import('./add-ins.ts')
      return setAddIn(io, addIn, options)
    }),
  )
  poolVerb(addIns, 'remove', 'remove an add-in, also from the rooms that show it')
    .argument('<name>')
    .action(
      run(async (addIn: string, options: PoolOptions) => {
        const { removeAddIn } = await import('./add-ins.ts')
        return removeAddIn(io, addIn, options)
      }),
    )
}
