import { hash } from 'node:crypto'
import type { ProofReply } from '@hansard/admin-contract'

export const README = 'CHECK.txt'

/** A proof as files, and how a person checks them with openssl, sha256sum and a shell. */
export function proofFiles(proof: ProofReply): { readonly name: string; readonly content: string }[] {
  const { event, tree, poolManifest } = proof
  const files = [
    { name: 'event.json', content: event.text },
    { name: 'line.txt', content: tree.line },
    { name: 'path.txt', content: tree.path.map(({ side, hash: of }) => `${side} ${of}\n`).join('') },
    ...poolManifest.files,
    { name: 'key.pub', content: `${poolManifest.key}\n` },
  ]
  const sums = files.map(({ name, content }) => `${hash('sha256', content, 'hex')}  ${name}\n`).join('')
  return [...files, { name: 'SHA256SUMS', content: sums }, { name: README, content: instructions(proof) }]
}

/**
 * Every command is one that a person may type; the whole text is also a shell script, which ends at the first check
 * that fails.
 */
function instructions({ event, interval, tree, poolManifest, exports }: ProofReply): string {
  const { stem } = poolManifest
  return `# Check this proof: type the commands in this directory, or run \`sh -e ${README}\`. Needs openssl and coreutils.
# Each check prints OK or "Verified Successfully".

# 0. The files are whole. This alone proves nothing: anybody who changes a file can change SHA256SUMS as well.
sha256sum --strict --check SHA256SUMS

# 1. event.json is the text that ${shown(event.source)} accepted as its number ${event.seq} on ${new Date(event.at).toISOString()}.
#    Its SHA-256 is the fifth field of line.txt.
cut -f 5 line.txt | tr -d '\\n' | sed 's/$/  event.json/' | sha256sum --strict --check -

# 2. line.txt is leaf ${tree.index} of a Merkle tree of ${tree.size} (RFC 6962). path.txt has the hashes from it to the root, and the
#    side that each is on. The root is the third line of the checkpoint.
(printf '\\000'; cat line.txt) | openssl dgst -sha256 -binary > node
while read -r side hash; do
  printf %s "$hash" | base64 -d > sibling
  if [ "$side" = left ]; then cat sibling node; else cat node sibling; fi > both
  (printf '\\001'; cat both) | openssl dgst -sha256 -binary > node
done < path.txt
if [ "$(base64 < node)" = "$(sed -n 3p ${stem}.checkpoint)" ]; then echo "path: OK"; else echo "path: FAILED"; false; fi

# 3. The pool signed the checkpoint, and a note with the hash of its pool manifest, when it sealed interval ${interval.number}.
#    Compare key.pub with the public key that you got from the operator by another way. The last two commands print
#    the root and the key as the pool manifest has them.
(printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; cut -d + -f 3- key.pub | base64 -d | tail -c 32) > key.der
for signed in ${stem}.checkpoint ${stem}.note; do
  head -n 3 $signed > text
  tail -n 1 $signed | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
  openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -sigfile signature -in text
done
(sed -n 3p ${stem}.note | tr -d '\\n'; echo '  ${stem}.json') | sha256sum --strict --check -
grep -F "$(sed -n 3p ${stem}.checkpoint)" ${stem}.json
grep -F "$(cat key.pub)" ${stem}.json
rm -f node both sibling text signature key.der
${exports
  .filter(({ sealed }) => sealed)
  .flatMap(inExport)
  .join('')}`
}

/** Comments: the exports are elsewhere. */
function inExport({ adapter, number, chain, manifest, manifestSha256 }: ProofReply['exports'][number]): string[] {
  if (!chain || !manifest || !manifestSha256) return []
  return [
    `
# 4. In the export ${shown(adapter)}/${number}, with its directory as EXPORT: the line is number ${chain.line} of its chain file, and its
#    manifest, which lists every document with its hash, is the one that later manifests and pool manifests name.
#      sed -n ${chain.line}p "EXPORT/${chain.name}" | tr -d '\\n' | cmp - line.txt
#      echo "${manifestSha256}  EXPORT/${manifest}" | sha256sum --strict --check -
`,
  ]
}

/** Names come from the pool; a line break would end the comment and begin a command. */
function shown(name: string): string {
  return name.replace(/[^\p{L}\p{N} ._-]/gu, '?')
}
