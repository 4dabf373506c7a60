import { type Command, InvalidArgumentError } from 'commander'
import { DEFAULT_DATA_DIRECTORY } from '../cli/pool-address.ts'
import { json, type Verbs } from '../cli/verb.ts'
import type { StartOptions } from './start.ts'

export function addStartVerb(program: Command, { io, run }: Verbs): void {
  json(program.command('start'))
    .description('run a pool of one process until it is stopped')
    .option('--data <dir>', 'the directory that holds everything it keeps', DEFAULT_DATA_DIRECTORY)
    .option('--port <n>', 'where it listens; 0 for any free port', portNumber, 7_464)
    .option('--host <address>', 'the address it listens on', '127.0.0.1')
    .option('--interval <time>', 'how long an interval is: 1m to 30d', '1m')
    .option('--public-url <url>', 'what clients reach it at, behind a proxy or by its name: https://chat.example.com')
    .option('--tls-cert <file>', 'serve with TLS: the certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--trusted-proxies <list>', 'addresses or ranges of proxies whose X-Forwarded-For is believed')
    .option('--insecure-listen', 'listen beyond this machine without TLS')
    .addHelpText('after', '\nThe first start prints an operator’s password, or takes it from HANSARD_ADMIN_PASSWORD.')
    .action(
      run(async (options: StartOptions) => {
        const { startCommand } = await import('./start.ts')
        return startCommand(options, io)
      }),
    )
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('A port is a number from 0 to 65535.')
}
