import type { StagingStatus } from '@hansard/staging'

/** What the pool cannot prove, as it is set up. Nothing is wrong and nobody has to act, so these are no alarms. */
export function noticesOf({ anchors }: Pick<StagingStatus, 'anchors'>): string[] {
  if (anchors.some(({ kind }) => kind === 'directory')) return []
  const why =
    anchors.length === 0
      ? 'This pool has no anchor'
      : 'This pool has no anchor that keeps checkpoints: a time-stamp authority keeps nothing'
  return [
    `${why}. If the newest exports are removed together with their pool manifests, nobody can see it. Set \`HANSARD_ANCHOR_DIRECTORY\`.`,
  ]
}
