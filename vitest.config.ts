import { availableParallelism } from 'node:os'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/run/src/longest-first.ts'

/**
 * Tests run from source: the condition `@hansard/source` makes `@hansard/x` mean `packages/x/src`, so nothing has to
 * be built first. Files share the modules of their thread (`isolate: false`): loading them anew for every file costs
 * more than running the tests, and no module of ours keeps state.
 */
const source = '@hansard/source'

const project = (name: string, include: string[], timeoutMs: number) => ({
  resolve: { conditions: [source, ...defaultServerConditions] },
  ssr: {
    resolve: {
      conditions: [source, ...defaultServerConditions],
      externalConditions: [source, 'node', 'module-sync'],
    },
  },
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    pool: 'threads' as const,
    isolate: false,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // What is waited for comes when it comes: only a test that hangs is cut off.
    expect: { poll: { timeout: timeoutMs / 2, interval: 20 } },
  },
})

export default defineConfig({
  test: {
    globalSetup: ['test/servers/src/global-setup.ts'],
    // Files wait for commits, sockets and processes more than they work: twice the cores keep these busy.
    maxWorkers: 2 * availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: [
      project(
        'unit',
        ['{packages,adapters,apps}/*/src/**/*.test.ts', 'test/{pool-state,servers,run,tidy,mutants}/**/*.test.ts'],
        300_000,
      ),
      project('pool', ['test/{pool,scenarios,permissions}/**/*.test.ts'], 300_000),
      project('chaos', ['test/{chaos,fuzz}/**/*.test.ts'], 900_000),
    ],
  },
})
