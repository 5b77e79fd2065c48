# bash completion for kairo(1)
_kairo() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local commands='render check fmt ast graph plan trace diff ops doctor live replay'
  local options='--help'
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands --version --help" -- "$word")
    return
  fi
  case $before in
  -o | --output)
    mapfile -t COMPREPLY < <(compgen -d -- "$word")
    return
    ;;
  --format)
    mapfile -t COMPREPLY < <(compgen -W 'float pcm16 pcm24' -- "$word")
    return
    ;;
  --rate)
    mapfile -t COMPREPLY < <(compgen -W 'audio= control= visual=' -- "$word")
    return
    ;;
  --from-snapshot)
    mapfile -t COMPREPLY < <(compgen -f -X '!*.snap' -- "$word")
    return
    ;;
  esac
  case ${COMP_WORDS[1]} in
  render)
    options+=' -o -d --rate --seed --set --input --probe --profile --lenient --block --threads --format'
    options+=' --stems --video --digest --json --snapshot-at --from-snapshot --swap-at'
    ;;
  check) options+=' --parse-only' ;;
  plan) options+=' --live --json --dot' ;;
  graph | trace) options+=' --json --dot' ;;
  esac
  case $word in
  -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
  *)
    compopt -o filenames 2>/dev/null
    if [ "${COMP_WORDS[1]}" = diff ]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
    else
      mapfile -t COMPREPLY < <(compgen -f -X '!*.kairo' -- "$word"; compgen -d -- "$word")
    fi
    ;;
  esac
}
complete -F _kairo kairo
