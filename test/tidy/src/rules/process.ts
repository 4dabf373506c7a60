import type { Repository, RuleFinding, SourceFile } from '../repository.ts'

/** Shipped code. Test infrastructure works with real processes in real time. */
const shipped = ({ packages }: Repository): SourceFile[] =>
  packages.filter(({ layer }) => layer !== 'test' && layer !== 'harness').flatMap(({ sources }) => [...sources])

const CLOCK = new Set(['Date.now', 'new Date()', 'performance.now', 'process.hrtime', 'setTimeout', 'setInterval'])
const TIMERS = new Set(['setTimeout', 'setInterval'])

/** Time is passed in, so that a test can control it. In a test, a timer is a sleep: wait for the event instead. */
export function clockReads(repository: Repository): RuleFinding[] {
  return shipped(repository)
    .filter(({ path }) => !path.startsWith('packages/clock/'))
    .flatMap(({ path, isTest, reading }) =>
      reading.uses
        .filter((use) => (isTest ? TIMERS : CLOCK).has(use))
        .map((use) => ({ rule: 'clock-reads', path, subject: use, message: `${use}: take a Clock instead` })),
    )
}

/** Settings are read once, where the process begins. */
export function environment(repository: Repository): RuleFinding[] {
  return shipped(repository)
    .filter(({ path, isTest }) => !isTest && !/\/src\/(main|bin)\.ts$/.test(path))
    .flatMap(({ path, reading }) =>
      reading.uses
        .filter((use) => use === 'process.env')
        .map((use) => ({
          rule: 'environment',
          path,
          subject: use,
          message: 'read the environment in main.ts, pass values',
        })),
    )
}

/** A process whose services have stopped ends by itself; `process.exit` would end their work with it. */
export function noProcessExit({ packages }: Repository): RuleFinding[] {
  return packages.flatMap(({ sources }) =>
    sources.flatMap(({ path, reading }) =>
      reading.uses
        .filter((use) => use === 'process.exit')
        .map((use) => ({
          rule: 'no-process-exit',
          path,
          subject: use,
          message: 'stop the services, set process.exitCode',
        })),
    ),
  )
}

/** Standard output is for a command's result, and logging goes to the log. */
export function noConsole(repository: Repository): RuleFinding[] {
  return shipped(repository)
    .filter(({ isTest }) => !isTest)
    .flatMap(({ path, reading }) =>
      reading.uses
        .filter((use) => use.startsWith('console.'))
        .map((use) => ({
          rule: 'no-console',
          path,
          subject: use,
          message: `${use}: use the log, or the command's output`,
        })),
    )
}
