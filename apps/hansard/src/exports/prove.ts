import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProofReply } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { CommandFailure, misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { table, utc, visible } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'
import { proofFiles, README } from './proof-files.ts'

/** Where one event is on record, and the commands with which anybody checks it. */
export async function proveCommand(
  io: Io,
  what: readonly string[],
  options: PoolOptions & { out?: string },
): Promise<ExitCode> {
  const [first = '', chat] = what
  if (chat !== undefined && !/^[1-9][0-9]{0,14}$/.test(chat))
    throw misused(`${chat} is not the number of a chat.`, 'It is the one that `/history` shows.')
  const admin = await openAdmin(io, options)
  const query = chat === undefined ? said({ event: first }) : said({ room: first, chat: Number(chat) })
  const proof = await admin.ask('proveEvent', { query })
  if (options.out !== undefined) await writeProof(options.out, proof)
  answer(io, options.json, proof, () => describe(proof, options.out))
  return 0
}

/** The directory must be new: what is checked in it must be what was written. */
async function writeProof(directory: string, proof: ProofReply): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o750 })
    for (const { name, content } of proofFiles(proof)) await writeFile(join(directory, name), content, { flag: 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new CommandFailure(2, `${directory} exists: name a new directory.`)
    throw new CommandFailure(2, `${directory} cannot be written: ${message}`)
  }
}

function describe(proof: ProofReply, out: string | undefined): string {
  const { event, interval, tree, poolManifest, exports } = proof
  const { source, epoch, incarnation, seq } = event
  const name = [source, epoch, ...(incarnation === '' ? [] : [incarnation]), seq].join('/')
  const late = interval.late ? ', in an addendum: it arrived late' : ''
  const chatId: unknown = JSON.parse(event.text).chatId
  return [
    `Event      ${visible(name)}, ${event.kind}${typeof chatId === 'number' ? ` ${chatId}` : ''} in ${visible(event.room)}\n`,
    `Accepted   ${utc(event.at)}, leaf ${event.leaf}\n`,
    `           head ${event.head}\n`,
    `Staged     ${utc(event.stagedAt)}\n`,
    `Text       ${visible(event.text)}\n`,
    `Interval   ${interval.number}, ${utc(interval.start)} to ${utc(interval.end)}${late}\n`,
    `Tree       leaf ${tree.index} of ${tree.size}, ${tree.path.length} hashes to the root ${tree.root}\n`,
    `Signed     ${poolManifest.stem}.checkpoint, ${poolManifest.key}\n`,
    '\n',
    table(
      ['EXPORT', 'DIRECTORY', 'CHAIN FILE', 'LINE', 'MANIFEST SHA-256'],
      exports.map(({ adapter, number, sealed, directory, chain, manifestSha256 }) => [
        `${adapter}/${number}`,
        directory,
        chain?.name ?? '',
        chain?.line ?? '',
        sealed ? manifestSha256! : 'not sealed yet',
      ]),
    ),
    '\n',
    out === undefined
      ? 'To check it without Hansard, write a package with --out DIR.\n'
      : `Written to ${visible(out)}. A person with openssl and sha256sum checks it there with the commands in ${README}:\n\n`,
    ...(out === undefined ? [] : [checkCommands(proof)]),
  ].join('')
}

function checkCommands(proof: ProofReply): string {
  return proofFiles(proof).find(({ name }) => name === README)!.content
}
