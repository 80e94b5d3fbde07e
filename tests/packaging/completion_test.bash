#!/usr/bin/env bash
# completion_test.bash PAGES: what bash offers where TAB is pressed. Bash itself is not asked to complete: the words
# are cut as it would cut them, and the function that it would call is called.
set -uo pipefail

pages=$1
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
# As installed: all in one folder.
mkdir "$here/all" "$here/alone"
cp "$pages"/gradmint*/bash-completion/completions/* "$here/all/"
cp "$pages/gradmint/bash-completion/completions/gradmint" "$here/alone/"
mkdir "$here/place" "$here/place/a folder"
touch "$here/place/patients.csv" "$here/place/a b.toml"
cd "$here/place" || exit 1

# offered LINE: what is offered at its end, in order, with | between.
offered() {
  local line=$1 word
  COMP_WORDS=()
  for word in $line; do
    while [[ $word =~ ^([^:=]*)([:=])(.*)$ ]]; do
      [ -z "${BASH_REMATCH[1]}" ] || COMP_WORDS+=("${BASH_REMATCH[1]}")
      COMP_WORDS+=("${BASH_REMATCH[2]}")
      word=${BASH_REMATCH[3]}
    done
    [ -z "$word" ] || COMP_WORDS+=("$word")
  done
  [[ $line != *' ' ]] || COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _gradmint_complete
  printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd'|'
}

failed=0
want() {
  local got
  got=$(offered "$1")
  [ "$got" = "$2" ] || { echo "'$1' offers '$got', not '$2'"; failed=1; }
}

. "$here/all/gradmint"
want 'gradmint audit ' '--help|contributions|explain|export|receipt|show|verify'
want 'gradmint audit receipt ' 'a b.toml|a folder|patients.csv'
want 'gradmint au' 'audit'
want 'gradmint audit ver' 'verify'
want 'gradmint audit verify --rec' '--recompute'
want 'gradmint audit verify --ledger x --form' '--format'
want 'gradmint audit verify --format ' 'json|table'
want 'gradmint audit verify --format=j' 'json'
want 'gradmint audit show ' 'block|dataset|round|state|tx|worker'
want 'gradmint audit show block --l' '--ledger'
want 'gradmint --log-level info audit exp' 'explain|export'
want 'gradmint --config ' 'a b.toml|a folder|patients.csv'
want 'gradmint keys rotate --home ' 'a folder'
want 'gradmint keys new ' 'a b.toml|a folder|patients.csv'
want 'gradmint dev --data ' 'csv:|digits|mnist:'
want 'gradmint dev --data csv:pa' 'patients.csv'
want 'gradmint dev --data mnist:' 'a folder'
want 'gradmint dev --device cuda:' ''
want 'gradmint dev --device c' 'cpu|cuda:'
want 'gradmint dev --aggregator m' 'mda|mean|median|multi_krum'
want 'gradmint dev --workers ' ''
# Siblings, whose tables are in files of their own.
want 'gradmint worker jo' 'join'
want 'gradmint worker join --passphrase-file p' 'patients.csv'
want 'gradmint coordinator member ' '--help|list|readmit|rotate|suspend'
want 'gradmint aggregate --integers ' 'drop|first|max'
want 'gradmint aggregate pa' 'patients.csv'
# Typed by their own names, of which bash-completion reads the files.
for program in aggregate coordinator worker; do . "$here/all/gradmint-$program"; done
want 'gradmint-worker init-model --output pa' 'patients.csv'
want '/usr/bin/gradmint-coordinator member sus' 'suspend'

# The package gradmint alone: nothing is offered below the others, and nothing is said.
alone=$(bash -c '. "$1/gradmint"; COMP_WORDS=(gradmint worker jo); COMP_CWORD=2; _gradmint_complete; echo "${COMPREPLY[@]}"' \
  bash "$here/alone" 2>&1)
[ -z "$alone" ] || { echo "without gradmint-worker's file: $alone"; failed=1; }
for program in gradmint gradmint-aggregate gradmint-coordinator gradmint-worker; do
  bash -c '. "$1/$2" && complete -p "$2"' bash "$here/all" "$program" >/dev/null || failed=1
done
exit "$failed"
