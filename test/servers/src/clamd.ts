import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startKillableServer } from './killable-server.ts'
import { launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** The word that the scanner treats as malware. */
export const EICAR = 'EICAR'
/** The name that clamd reports for it. */
export const EICAR_SIGNATURE = 'Test.Eicar.UNOFFICIAL'

/** `url` is its address in the file service's form: `tcp://127.0.0.1:3310`. */
export type ClamdServer = ServerProcess

/** The program, which Debian installs where only root's PATH leads. */
export function clamdProgram(): string | undefined {
  return ['/usr/sbin/clamd', '/usr/local/sbin/clamd', '/opt/homebrew/sbin/clamd'].find(existsSync)
}

/**
 * A private clamd. It knows one signature, the word EICAR: the real set is hundreds of megabytes from elsewhere, and
 * these tests check only that clamd's verdict is obeyed.
 */
export async function startClamd({
  streamMaxMegabytes = 25,
}: {
  streamMaxMegabytes?: number
} = {}): Promise<ClamdServer> {
  const program = clamdProgram()
  if (!program) throw new Error('clamd is not installed (Debian: clamav-daemon).')
  const directory = await temporaryDirectory('clamd')
  // clamd drops root's privileges before it reads its signatures.
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
