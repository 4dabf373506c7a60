import type { Command, Option } from 'commander'
import type { Shell } from './shells.ts'

/** What may be typed after some words of the command line. */
type Place = {
  /** the verbs before it, such as `rooms add` */
  readonly path: string
  readonly verbs: readonly { readonly name: string; readonly help: string }[]
  readonly options: readonly OptionEntry[]
  /** what an argument may be, where it is one of a few words */
  readonly choices: readonly string[]
}
type OptionEntry = {
  readonly flag: string
  readonly help: string
  readonly takes: 'nothing' | 'a file' | 'a word'
  readonly choices: readonly string[]
}

/**
 * A script by which a shell completes verbs, options and the words an option takes. It is made from the command line
 * itself and asks no pool: Tab answers at once, and tells nobody anything.
 */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '')
  if (shell === 'fish') return fishScript(places)
  const bash = bashScript(places)
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`
}

function placesOf(command: Command, path: string): Place[] {
  const own: Place = {
    path,
    verbs: command.commands.map((verb) => ({ name: verb.name(), help: verb.description() })),
    options: [...command.options.map(entryOf), { flag: '--help', help: 'help', takes: 'nothing', choices: [] }],
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  }
  const below = command.commands.flatMap((verb) => placesOf(verb, path === '' ? verb.name() : `${path} ${verb.name()}`))
  return [own, ...below]
}

function entryOf(option: Option): OptionEntry {
  const file = /<(dir|file)>/.test(option.flags)
  const takes = option.isBoolean() || option.negate ? 'nothing' : file ? 'a file' : 'a word'
  return { flag: option.long ?? option.flags, help: option.description, takes, choices: option.argChoices ?? [] }
}

function bashScript(places: readonly Place[]): string {
  const words = places.map(({ path, verbs, options, choices }) => {
    const all = [...verbs.map(({ name }) => name), ...choices, ...options.map(({ flag }) => flag)]
    return `    ${quoted(path)}) words=${quoted(all.join(' '))} ;;`
  })
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ takes }) => takes !== 'nothing')
      .map(({ flag, takes, choices }) => {
        const act = takes === 'a file' ? 'files=1' : `words=${quoted(choices.join(' '))}`
        return `    ${quoted(`${path} ${flag}`)}) ${act}; value=1 ;;`
      }),
  )
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return `# hansard: completion of the command line
_hansard() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local path= next= words= value= files= at
  for ((at = 1; at < COMP_CWORD; at += 1)); do
    next="\${path:+$path }\${COMP_WORDS[at]}"
    case $next in
    ${paths.join(' | ')}) path=$next ;;
    esac
  done
  case "$path $before" in
${values.join('\n')}
  esac
  if [[ -z $value ]]; then
    case $path in
${words.join('\n')}
    esac
    [[ $current != -* && \${words%% *} == --* ]] && files=1
  fi
  COMPREPLY=()
  local word
  if [[ -n $words ]]; then
    while IFS= read -r word; do [[ -n $word ]] && COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$current")
  fi
  if [[ -n $files ]]; then
    while IFS= read -r word; do [[ -n $word ]] && COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _hansard hansard
`
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, verbs, options, choices }) => {
    const condition = quoted(`__hansard_at ${path}`)
    return [
      ...verbs.map(({ name, help }) => `complete -c hansard -n ${condition} -f -a ${name} -d ${quoted(help)}`),
      ...choices.map((choice) => `complete -c hansard -n ${condition} -f -a ${choice}`),
      ...options.map(({ flag, help, takes, choices: words }) => {
        const value = takes === 'nothing' ? '' : takes === 'a file' ? ' -r -F' : ` -x -a ${quoted(words.join(' '))}`
        return `complete -c hansard -n ${condition} -l ${flag.replace(/^--/, '')}${value} -d ${quoted(help)}`
      }),
    ]
  })
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return `# hansard: completion of the command line
function __hansard_at
    set -l path
    for word in (commandline -opc)[2..]
        set -l next (string join ' ' $path $word)
        if contains -- "$next" ${paths.join(' ')}
            set path $next
        end
    end
    test "$path" = "$argv"
end
${lines.join('\n')}
`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
