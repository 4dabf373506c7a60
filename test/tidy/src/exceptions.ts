/**
 * Permitted violations. `path` is a file or a path prefix, `subject` what the finding is about. An exception without
 * a violation is a finding itself.
 */
export type Exception = {
  readonly rule: string
  readonly path: string
  readonly subject: string
  readonly because: string
}

const composes = (subject: string): Exception => ({
  rule: 'direct-imports',
  path: 'apps/hansard/',
  subject,
  because: 'The Standard Edition is every service in one process, and this is the app that composes it.',
})

export const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'no-process-exit',
    path: 'packages/config/src/node-floor.ts',
    subject: 'process.exit',
    because:
      'It runs before any other module, on a Node that cannot run them: nothing has started that would be cut off.',
  },
  {
    rule: 'environment',
    path: 'apps/hansard/src/backup/postgres-dump.ts',
    subject: 'process.env',
    because: 'pg_dump and pg_restore are found on the PATH and read the PG variables of the user who runs them.',
  },
  {
    rule: 'index-is-a-promise',
    path: 'packages/pool-store/src/index.ts',
    subject: 'length',
    because: 'Every service asks this one store, and a few lines more are not a second promise yet.',
  },
  composes('@hansard/channel-service'),
  composes('@hansard/lookup-service'),
  composes('@hansard/relay'),
  composes('@hansard/compliance-worker'),
  composes('@hansard/admin-api'),
  composes('@hansard/file-service'),
  {
    rule: 'direct-imports',
    path: 'apps/compliance-worker/',
    subject: '@hansard/adapter-xml',
    because: 'The worker is where adapters are run; a setting names one of those it has.',
  },
  {
    rule: 'direct-imports',
    path: 'apps/compliance-worker/',
    subject: '@hansard/adapter-record',
    because: 'The worker runs the record series beside every adapter.',
  },
  ...['node:stream', 'node:zlib'].map((subject) => ({
    rule: 'pure-rules',
    path: 'packages/evidence/src/verify-texts.ts',
    subject,
    because: 'Texts are compressed, and decompressed in memory: it reads nothing but what it is given.',
  })),
  {
    rule: 'unused-exports',
    path: 'test/run/src/longest-first.ts',
    subject: 'LongestFirst',
    because: 'The configuration of vitest imports it, and that file is in no package.',
  },
  {
    rule: 'clock-reads',
    path: 'packages/client/src/timing.ts',
    subject: 'setTimeout',
    because: 'The SDK runs in browsers and may not import the platform; its timer is passed in and has this default.',
  },
  {
    rule: 'clock-reads',
    path: 'packages/adapter/src/libxslt.ts',
    subject: 'Date.now',
    because: 'It is assigned, not read: in the sandbox of a stylesheet the time does not advance.',
  },
  {
    rule: 'unused-exports',
    path: 'test/mutants/vitest-for-mutants.ts',
    subject: 'configFor',
    because: 'The configuration that is written for each run of mutants imports it.',
  },
  ...['@stryker-mutator/core', '@stryker-mutator/vitest-runner'].map((subject) => ({
    rule: 'unused-dependencies',
    path: 'test/mutants/package.json',
    subject,
    because: 'It is run as a program, with its runner as a plugin that it finds by name.',
  })),
]
