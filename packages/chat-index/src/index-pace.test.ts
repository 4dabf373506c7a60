import { expect, it } from 'vitest'
import { indexPauseMs } from './index.ts'

it('the indexer pauses without a whole block, uses a tenth of the time, and half of it when it falls behind', () => {
  expect(indexPauseMs({ indexed: 0, waiting: 1_023 }, 50)).toBe(1_000)
  expect(indexPauseMs({ indexed: 1_024, waiting: 1_024 }, 50)).toBe(450)
  expect(indexPauseMs({ indexed: 1_024, waiting: 1_024 }, 500)).toBe(1_000)
  expect(indexPauseMs({ indexed: 1_024, waiting: 20_000 }, 50)).toBe(50)
  expect(indexPauseMs({ indexed: 0, waiting: 3, renewed: 1_024 }, 50)).toBe(450)
  const stories = { indexed: 16, waiting: 900 }
  expect(indexPauseMs({ ...stories, waitingBytes: 1_000_000 }, 50)).toBe(450)
  expect(indexPauseMs({ ...stories, waitingBytes: 60_000_000 }, 50)).toBe(50)
})
