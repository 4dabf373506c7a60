import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startKillableServer } from './killable-server.ts'
import { launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A private nginx. `http` is the content of its `http` block, given the port. */
export async function startNginx(http: (port: number) => string): Promise<ServerProcess> {
  const directory = await temporaryDirectory('nginx')
  const launchOn = async (port: number) => {
    const file = join(directory, 'nginx.conf')
    await mkdir(join(directory, 'logs'), { recursive: true })
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`)
    await writeFile(
      file,
      `worker_processes 1; daemon off; pid nginx.pid; error_log stderr notice;
events { worker_connections 1024; }
http { access_log off; ${paths.join(' ')}
${http(port)}
}
`,
    )
    return launch({
      program: 'nginx',
      args: ['-p', directory, '-c', file],
      endSignal: 'SIGQUIT',
      ready: /start worker process \d/,
    })
  }
  return startKillableServer({ scheme: 'tcp', directory, launchOn })
}
