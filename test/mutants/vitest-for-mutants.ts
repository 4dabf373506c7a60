// @boundaries-ignore the mutants run under the repository's own configuration
import config from '../../vitest.config.ts'

const MUTANT_TEST_MS_MAX = 60_000

/**
 * The unit tests as they are run against mutants, and only these. Files do not share the modules of their thread: a
 * mutant of what a module does when it is loaded has to be loaded.
 */
export function configFor(tests: readonly string[]) {
  const { projects = [], ...shared } = config.test ?? {}
  const unit = (projects as { test: { name: string } }[]).find(({ test }) => test.name === 'unit')!
  const own = { include: tests, isolate: true, testTimeout: MUTANT_TEST_MS_MAX, hookTimeout: MUTANT_TEST_MS_MAX }
  return { test: { ...shared, projects: [{ ...unit, test: { ...unit.test, ...own } }] } }
}
