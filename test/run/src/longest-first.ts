import { BaseSequencer, type TestSpecification } from 'vitest/node'

const PROJECTS = ['chaos', 'pool', 'unit']

/**
 * Whole pools first: they take minutes and wait most of the time, so that they must not be what a run ends with. Within a
 * project vitest's own order holds: by the last run's durations, by size in a fresh clone. Workers are kept between files
 * of one project only, so projects are not mixed.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = (file: TestSpecification) => PROJECTS.indexOf(file.project.name)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}
