# How all of gradmint's programs are completed; each of their files has this, and tables of its own.

# The words up to the cursor. Bash has cut them at : and =, which are parts of ours.
_gradmint_typed() {
  local at word
  _gradmint_words=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    word=${COMP_WORDS[at]}
    if ((at > 0)) && [[ $word == [:=]* || ${_gradmint_words[-1]} == *[:=] ]]; then
      _gradmint_words[-1]+=$word
    else
      _gradmint_words+=("$word")
    fi
  done
}

# _gradmint_offer CURRENT WORD...: into COMPREPLY what continues CURRENT; FILE and DIR stand for names of such.
_gradmint_offer() {
  local current=$1 word lead name
  local -a found=()
  shift
  lead=${current%"${current##*[:=]}"} # bash replaces only what follows it
  for word in "$@"; do
    case $word in
      -) ;;
      FILE) mapfile -t found < <(compgen -f -- "$current") ;;
      DIR) mapfile -t found < <(compgen -d -- "$current") ;;
      *:FILE|*:DIR)
        if [[ $current == "${word%:*}:"* ]]; then
          case $word in
            *:FILE) mapfile -t found < <(compgen -f -- "${current#*:}") ;;
            *) mapfile -t found < <(compgen -d -- "${current#*:}") ;;
          esac
          lead="" # these have none
        elif [[ ${word%:*}: == "$current"* ]]; then
          COMPREPLY+=("${word%:*}:")
          compopt -o nospace 2>/dev/null
        fi
        ;;
      *:[A-Z]*) # a number, of a device
        if [[ ${word%:*}: == "$current"* && $current != *: ]]; then
          COMPREPLY+=("${word%:*}:")
          compopt -o nospace 2>/dev/null
        fi
        ;;
      *) [[ $word != "$current"* ]] || COMPREPLY+=("${word#"$lead"}") ;;
    esac
    ((${#found[@]} == 0)) || compopt -o filenames 2>/dev/null
    for name in "${found[@]}"; do COMPREPLY+=("${name#"$lead"}"); done
    found=()
  done
}

# _gradmint_walk PROGRAM WORD...: completes the last word; the others lead to a command.
_gradmint_walk() {
  local table=_${1//-/_} path="" value="" word follow siblings folder
  local arguments=0 IFS=$' \t\n'
  local -a values
  shift
  siblings=${table}_siblings folder=${table}_folder
  while [ $# -gt 1 ]; do
    word=$1
    shift
    if [ -n "$value" ]; then
      value=""
    elif [[ $word == -*=* ]]; then
      :
    elif [[ $word == -* ]]; then
      value=$("${table}_value" "${path:+$path }$word")
    elif [ -z "$path" ] && [[ " ${!siblings} " == *" $word "* ]]; then
      # A program of its own, whose package may not be here.
      declare -F "_gradmint_${word}_follow" >/dev/null || . "${!folder}/gradmint-$word" 2>/dev/null || return 0
      _gradmint_walk "gradmint-$word" "$@"
      return
    elif follow=$("${table}_follow" "$path") && [[ " $follow " == *" $word "* ]]; then
      path=${path:+$path }$word arguments=0
    else
      arguments=$((arguments + 1))
    fi
  done
  word=$1
  if [ -z "$value" ] && [[ $word == -*=* ]]; then
    value=$("${table}_value" "${path:+$path }${word%%=*}")
    word=${word#*=}
  fi
  if [ -z "$value" ] && [[ $word != -* ]]; then
    value=$("${table}_value" "${path:+$path }@$((arguments + 1))" || "${table}_value" "${path:+$path }@")
  fi
  [ -n "$value" ] || value=$("${table}_follow" "$path")
  read -ra values <<<"$value"
  _gradmint_offer "$word" "${values[@]}"
}

_gradmint_complete() {
  local -a _gradmint_words
  COMPREPLY=()
  _gradmint_typed
  _gradmint_walk "${_gradmint_words[0]##*/}" "${_gradmint_words[@]:1}"
}
