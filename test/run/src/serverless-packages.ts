import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Packages and adapters whose tests start no server: those that do not depend on the test servers. */
export function serverlessPackages(root: string): string[] {
  return ['packages', 'adapters'].flatMap((top) =>
    readdirSync(join(root, top))
      .map((name) => ({ folder: `${top}/${name}`, manifest: join(root, top, name, 'package.json') }))
      .filter(({ manifest }) => existsSync(manifest) && !needsServers(manifest))
      .map(({ folder }) => folder),
  )
}

function needsServers(manifest: string): boolean {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies?: object
    devDependencies?: object
  }
  return '@hansard/test-servers' in { ...dependencies, ...devDependencies }
}
