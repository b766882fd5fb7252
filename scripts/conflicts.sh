#!/usr/bin/env bash
# Eight conflicts of real packages on the real index: what is printed, and each
# way out that is told, followed to a lock. Needs the network and make build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ww=$PWD/bin/wheelwright slice=$PWD/testdata/index/cu118
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
name='' rest='' missed=0

# conflict NAME: a profile on standard input that cannot be locked.
conflict() {
  followed
  name=$1
  { echo "name: $name"; cat; } >"$name.yaml"
  printf '\n== %s\n' "$name"
  local code=0
  "$ww" lock --quiet --profile "./$name.yaml" >out 2>err || code=$?
  cat err
  [ "$code" = 3 ] || { echo "exit $code, not 3"; missed=1; }
  rest=$(sed -n 's/^next: //p' err)
}

# way TEXT SED [FLAG…]: TEXT was told; SED and flags make the change, and it locks.
way() {
  local text=$1 edit=$2
  shift 2
  case "; or $rest" in *"; or $text"*) ;; *) echo "  NOT TOLD: $text"; missed=1; return ;; esac
  rest=${rest/"$text"/}
  sed "$edit" "$name.yaml" >changed.yaml
  rm -f pylock.toml
  if "$ww" lock --quiet --profile ./changed.yaml -o pylock.toml "$@" >out 2>err; then
    echo "  followed: $text: $(grep -c '^name = ' pylock.toml) packages"
  else
    echo "  DOES NOT LOCK: $text"; cat err; missed=1
  fi
}

# followed: every way told was followed.
followed() {
  [ -z "${rest//; or /}" ] || { echo "  not followed: $rest"; missed=1; }
}

conflict apart <<'Y'
python: "3.11"
requires: [peft==0.13.2, transformers==4.51.3, unsloth==2026.10.7]
Y
way 'relax unsloth==2026.10.7 to unsloth==2026.1.2' 's/unsloth==2026.10.7/unsloth==2026.1.2/'
way 'drop unsloth==2026.10.7' 's/, unsloth==2026.10.7//'

conflict cuda <<'Y'
python: "3.11"
gpu: {compute: ["8.9"], cuda: "12.4"}
requires: [torch==2.8.0, accelerate]
Y
way 'relax torch==2.8.0 to torch==2.6.0' 's/torch==2.8.0/torch==2.6.0/'
way 'set gpu.cuda: "12.8", as profile fleet_cu128 does' 's/12.4/12.8/'
way 'drop torch==2.8.0' 's/torch==2.8.0, //'

conflict python314 <<'Y'
python: "3.14"
requires: [torch==2.6.0]
Y
way 'relax torch==2.6.0 to torch==2.15.0' 's/torch==2.6.0/torch==2.15.0/'
way 'take Python 3.13 with --python 3.13' '' --python 3.13
way 'take Python 3.12 with --python 3.12' '' --python 3.12

conflict indexes <<Y
python: "3.11"
requires: [torch==2.8.0]
indexes:
  - {name: pytorch-cu118, url: $slice, packages: [torch]}
  - {name: pypi}
Y
way 'relax torch==2.8.0 to torch==2.7.1+cu118' 's/torch==2.8.0/torch==2.7.1+cu118/'

conflict extras <<'Y'
python: "3.11"
requires: ["optimum[habana,neuronx]==1.24.0"]
Y
way 'relax optimum[habana,neuronx]==1.24.0 to optimum==2.3.0' 's/==1.24.0/==2.3.0/'
way 'do without the extra neuronx of optimum' 's/,neuronx//'

conflict sdist <<'Y'
python: "3.11"
requires: [autoawq]
Y
way 'put autoawq under allow-old to take 0.2.7.post3' '$aallow-old: [autoawq]'

conflict override <<'Y'
python: "3.11"
requires: [transformers==4.51.3]
overrides: [tokenizers<0.9]
Y
way 'relax transformers==4.51.3 to transformers==2.3.0' 's/transformers==4.51.3/transformers==2.3.0/'
way 'take the override of tokenizers away' '/^overrides/d'

conflict yanked <<'Y'
python: "3.11"
requires: ["requests>=2.32.0,<2.32.2"]
Y
way 'relax requests<2.32.2,>=2.32.0 to allow 2.34.2' 's/>=2.32.0,<2.32.2/>=2.32.0,<=2.34.2/'
way 'add the constraint requests==2.32.1 to take the yanked release' '$aconstraints: [requests==2.32.1]'

followed
exit "$missed"
