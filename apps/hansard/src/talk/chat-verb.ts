import type { Command } from 'commander'
import { address, json, type Verbs } from '../cli/verb.ts'
import type { ChatOptions } from './chat.ts'

export function addChatVerb(program: Command, { io, run }: Verbs): void {
  address(json(program.command('chat')))
    .description('talk in rooms, in a terminal or from a script')
    .argument('[room...]', 'rooms to come into at once')
    .option('--account <name>', 'who you are')
    .option('--commands', 'lines that are piped in may be commands, as typed ones are', false)
    .action(
      run(async (rooms: string[], options: ChatOptions) => {
        const { chatCommand } = await import('./chat.ts')
        return chatCommand(io, rooms, options)
      }),
    )
}
