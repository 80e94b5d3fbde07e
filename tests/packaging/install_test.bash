#!/usr/bin/env bash
# install_test.bash CMAKE BUILD: what each component installs, file by file where it is not documentation.
set -euo pipefail

cmake=$1 build=$2
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

want() {
  local component=$1 got
  shift
  "$cmake" --install "$build" --component "$component" --prefix "$here/$component" >/dev/null
  got=$(cd "$here/$component" && find . -type f -o -type l | sed 's,^\./,,' | grep -v '^share/doc/' | LC_ALL=C sort)
  [ "$got" = "$(printf '%s\n' "$@" | LC_ALL=C sort)" ] || { echo "$component installs: $got"; exit 1; }
  [ -s "$here/$component/share/doc/$component/copyright" ] || { echo "$component has no copyright"; exit 1; }
}

completions=share/bash-completion/completions
want gradmint bin/gradmint bin/gradmint-aggregate $completions/gradmint $completions/gradmint-aggregate \
  share/man/man1/gradmint{,-aggregate,-audit,-dev,-keys,-model,-wallet}.1.gz
want gradmint-coordinator bin/gradmint-coordinator $completions/gradmint-coordinator \
  lib/systemd/system/gradmint-coordinator.service share/man/man1/gradmint-coordinator.1.gz
want gradmint-worker bin/gradmint-worker $completions/gradmint-worker share/man/man1/gradmint-worker.1.gz \
  share/gradmint/python/gradmint/{__init__.py,_error.py,_metrics.py,_tensors.py,py.typed}

# gradmint alone names the package that is missing, in one line.
for sibling in coordinator worker; do
  status=0
  said=$(PATH=/usr/bin:/bin "$here/gradmint/bin/gradmint" $sibling --help 2>&1) || status=$?
  if [ "$status" != 2 ] || [[ $said == *$'\n'* ]] || [[ $said != *": install the package gradmint-$sibling,"* ]]; then
    echo "gradmint $sibling, which is not here, ends with status $status and says: $said"
    exit 1
  fi
done
