import { defineConfig } from 'vitest/config'
import config from '../../vitest.config.ts'

/**
 * The unit tests as they are run against mutants. Files do not share the modules of their thread: a mutant of what a
 * module does when it is loaded has to be loaded.
 */
const MUTANT_TEST_MS_MAX = 60_000
const { projects = [], ...shared } = config.test ?? {}
const unit = projects.filter(
  (project) => typeof project === 'object' && 'test' in project && project.test?.name === 'unit',
)

export default defineConfig({
  test: {
    ...shared,
    projects: unit.map((project) => {
      const { test, ...rest } = project as { test: object }
      const own = { isolate: true, testTimeout: MUTANT_TEST_MS_MAX, hookTimeout: MUTANT_TEST_MS_MAX }
      return { ...rest, test: { ...test, ...own } }
    }),
  },
})
