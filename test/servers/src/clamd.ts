import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startKillableServer } from './killable-server.ts'
import { launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** The word that the scanner takes for something. */
export const EICAR = 'EICAR'
/** What clamd says that it found there. */
export const EICAR_SIGNATURE = 'Test.Eicar.UNOFFICIAL'

/** `url` is its address as the file service takes it: `tcp://127.0.0.1:3310`. */
export type ClamdServer = ServerProcess

/** The program, which Debian installs where only root's PATH leads. */
export function clamdProgram(): string | undefined {
  return ['/usr/sbin/clamd', '/usr/local/sbin/clamd', '/opt/homebrew/sbin/clamd'].find(existsSync)
}

/**
 * A clamd of the caller's own. It knows one signature, the word EICAR: the real set is hundreds of megabytes that come from
 * elsewhere, and what is tried here is that what clamd says is done.
 */
export async function startClamd({
  streamMaxMegabytes = 25,
}: {
  streamMaxMegabytes?: number
} = {}): Promise<ClamdServer> {
  const program = clamdProgram()
  if (!program) throw new Error('clamd is not installed (Debian: clamav-daemon).')
  const directory = await temporaryDirectory('clamd')
  // clamd gives up root's rights before it reads its signatures.
  await chmod(directory, 0o755)
  await writeFile(join(directory, 'eicar.ndb'), `Test.Eicar:0:*:${Buffer.from(EICAR).toString('hex')}\n`)
  const launchOn = async (port: number) => {
    await writeFile(
      join(directory, 'clamd.conf'),
      [
        'Foreground yes',
        `TCPSocket ${port}`,
        'TCPAddr 127.0.0.1',
        `DatabaseDirectory ${directory}`,
        `StreamMaxLength ${streamMaxMegabytes}M`,
        '',
      ].join('\n'),
    )
    return launch({
      program,
      args: ['--config-file', join(directory, 'clamd.conf')],
      endSignal: 'SIGKILL',
      ready: /^Self checking/m,
    })
  }
  return startKillableServer({ scheme: 'tcp', directory, launchOn })
}
