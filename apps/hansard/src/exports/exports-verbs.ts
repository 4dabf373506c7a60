import type { Command } from 'commander'
import { asked, json, type PoolOptions, positive, type Verbs } from '../cli/verb.ts'
import type { VerifyCommandOptions } from './verify-command.ts'

export function addExportsVerbs(program: Command, { io, run }: Verbs): void {
  asked(json(program.command('seal')))
    .description('close what is open now, and wait until it is sealed')
    .action(
      run(async (options: PoolOptions) => {
        const { sealCommand } = await import('./seal.ts')
        return sealCommand(io, options)
      }),
    )

  const exports = program.command('exports').description('what has been exported')
  asked(json(exports.command('list')))
    .description('exports, newest first')
    .option('--adapter <name>', 'only of this adapter')
    .option('--limit <n>', 'so many at most', positive, 50)
    .action(
      run(async (options: PoolOptions & { adapter?: string; limit: number }) => {
        const { listExports } = await import('./exports.ts')
        return listExports(io, options)
      }),
    )
  asked(json(exports.command('show')))
    .description('one export and its files')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: PoolOptions) => {
        const { showExport } = await import('./exports.ts')
        return showExport(io, id, options)
      }),
    )
  asked(json(exports.command('files')))
    .description('the paths of its files, one a line')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: PoolOptions) => {
        const { exportFiles } = await import('./exports.ts')
        return exportFiles(io, id, options)
      }),
    )
  asked(json(exports.command('replay')))
    .description('render it again and compare with the sealed bytes')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: PoolOptions) => {
        const { replayExport } = await import('./exports.ts')
        return replayExport(io, id, options)
      }),
    )

  asked(json(exports.command('check')))
    .description('compare every sealed file on disk with its hash, now')
    .action(
      run(async (options: PoolOptions) => {
        const { checkExports } = await import('./check-and-restore.ts')
        return checkExports(io, options)
      }),
    )
  asked(json(exports.command('restore')))
    .description('write its sealed bytes again from the record')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: PoolOptions) => {
        const { restoreExport } = await import('./check-and-restore.ts')
        return restoreExport(io, id, options)
      }),
    )

  asked(json(program.command('prove')))
    .description('prove that a chat or another event is on record, and say how anybody checks that')
    .argument('<what...>', 'a room and the number of a chat, or an event such as channel-1/7/42')
    .option('--out <dir>', 'write what is needed to check it to a new directory')
    .action(
      run(async (what: string[], options: PoolOptions & { out?: string }) => {
        const { proveCommand } = await import('./prove.ts')
        return proveCommand(io, what, options)
      }),
    )

  json(program.command('verify'))
    .description('check exports offline: manifests, hashes, chains, numbering, signatures')
    .argument('<dir>', 'a folder of exports, such as DIR/exports')
    .option('--key <key>', 'the public key to trust, NAME+HASH+BASE64, or the file of one')
    .option('--expect <sha256>', 'of a manifest or checkpoint that must be there')
    .option('--from <n>', 'pool manifests before this number may be absent', positive)
    .option('--since <time>', 'the exports must cover all from this time on; earlier ones may be absent')
    .option('--until <time>', 'the exports must cover all up to this time')
    .option('--anchors <dir>', 'what an anchor has kept: a cut-off end and rewritten history show')
    .option('--tsa-ca <file>', 'CA certificates of the time-stamp authority: check time stamps, with openssl')
    .action(
      run(async (directory: string, options: VerifyCommandOptions) => {
        const { verifyCommand } = await import('./verify-command.ts')
        return verifyCommand(io, directory, options)
      }),
    )
}
