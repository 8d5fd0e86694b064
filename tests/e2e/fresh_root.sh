#!/usr/bin/env bash
# Proves the README's commands on a machine that has nothing: a Debian 12 root with only git and bash, a clean clone in it,
# `./dev deps`, `./dev test` and a `./dev run` that answers a chat request. Run by hand: the whole build takes its time.
#
#   tests/e2e/fresh_root.sh [--suite bookworm|noble] [--mirror URL] [--base DIR] [--steps deps,configure,test,run] [--keep] [DIR]
#
# DIR is where the root goes (a new folder under /var/tmp unless given); it is deleted at the end, unless --keep. --base names
# an unpacked root that is made when missing and copied afterwards, which saves the bootstrap of later runs. The steps default
# to deps,test,run. Mirrors, proxies and extra certificates are taken from this machine's own configuration; a mirror need
# only be named for a suite that this machine's apt does not know (noble is Ubuntu 24.04, bookworm Debian 12).
set -euo pipefail

REPO=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
SUITE=bookworm
MIRROR=''
CLONE=/root/429chain

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The part that runs in a mount and process namespace of its own: whatever is mounted or started ends with it.
inside() {
  local root=$1 steps=$2 step node started
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  mkdir -p "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs shm "$root/dev/shm"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s fd/0 "$root/dev/stdin"
  ln -s fd/1 "$root/dev/stdout"
  ln -s fd/2 "$root/dev/stderr"
  for step in ${steps//,/ }; do
    started=$SECONDS
    say "Step: $step"
    "step_$step" "$root"
    say "Step $step took $((SECONDS - started)) s"
  done
}

# Runs a command in the clone, as a login on the fresh machine would.
within() {
  local root=$1 name
  local -a settings=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8)
  shift
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS npm_config_registry; do
    [[ -z ${!name:-} ]] || settings+=("$name=${!name}")
  done
  env -i "${settings[@]}" chroot "$root" /bin/bash -c "cd $CLONE && $*"
}

step_deps() {
  within "$1" ./dev deps
  local again
  again=$(within "$1" ./dev deps 2>&1)
  [[ $again != *apt-get* ]] || fail "a second ./dev deps installs again: $again"
}
step_configure() { within "$1" cmake --preset release; }
step_test() { within "$1" ./dev test; }

# Starts `./dev run`, waits for the proxy to be ready, asks for one completion and stops it as Ctrl-C would.
step_run() {
  # The quotes keep everything for the shell in the fresh root.
  # shellcheck disable=SC2016
  within "$1" '
    set -m
    ./dev run >run.log 2>&1 &
    job=$!
    for _ in $(seq 1 3600); do
      code=$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:4291/ready || true)
      [ "$code" = 200 ] && break
      kill -0 $job 2>/dev/null || { cat run.log; exit 1; }
      sleep 1
    done
    [ "$code" = 200 ] || { cat run.log; echo "never ready"; exit 1; }
    model=$(curl -sf http://127.0.0.1:4290/v1/models | sed -nE "s/.*\"id\": ?\"([^\"]+)\".*/\1/p" | head -n 1)
    answer=$(curl -sS -i http://127.0.0.1:4290/v1/chat/completions -H "content-type: application/json" \
      -d "{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}")
    echo "$answer"
    kill -INT -$job
    wait $job || true
    cat run.log
    case $answer in *" 200 "*choices*) exit 0 ;; *) exit 1 ;; esac'
}

# The repositories of this machine that serve the suite, or those of the mirror that was named, as one-line sources.
repositories() {
  if [[ -n $MIRROR ]]; then
    printf 'deb %s %s %s\n' "$MIRROR" "$SUITE" "$(components)" "$MIRROR" "$SUITE-updates" "$(components)"
    return
  fi
  # The format is apt's, not the shell's.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$SUITE" '$2 ~ "^" suite "(-|$)" && ($3 == "main" || $3 == "universe") {print "deb", $1, $2, $3}' | sort -u
}
components() { if [[ $SUITE == bookworm ]]; then echo main; else echo main universe; fi; }

make_base() {
  local base=$1 mirror
  local -a script=()
  command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
  mirror=$(repositories | awk -v suite="$SUITE" '$3 == suite {print $2; exit}')
  [[ -n $mirror ]] || fail "this machine's apt has no $SUITE repository; name one with --mirror"
  # Releases younger than this machine's debootstrap are unpacked like their elders.
  [[ -e /usr/share/debootstrap/scripts/$SUITE ]] || script=(/usr/share/debootstrap/scripts/jammy)
  say "Bootstrapping $SUITE into $base"
  debootstrap --variant=minbase --include=git --components="$(components | tr ' ' ,)" "$SUITE" "$base.part" "$mirror" \
    ${script[@]+"${script[@]}"} >"$base.log" 2>&1 || { tail -n 20 "$base.log" >&2; fail "debootstrap failed"; }
  mv -- "$base.part" "$base"
  rm -f -- "$base.log"
}

# Everything that belongs to the network of this machine, and nothing else.
take_host_network() {
  local root=$1
  repositories >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?::(Proxy|Verify|CaInfo)|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90host" || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -L /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  fi
}

main() {
  local base='' steps=deps,test,run keep='' root=''
  while (($#)); do
    case $1 in
      --base) base=$2; shift 2 ;;
      --suite) SUITE=$2; shift 2 ;;
      --mirror) MIRROR=$2; shift 2 ;;
      --steps) steps=$2; shift 2 ;;
      --keep) keep=1; shift ;;
      -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) fail "unknown option $1" ;;
      *) root=$1; shift ;;
    esac
  done
  [[ $(id -u) == 0 ]] || fail "chroot and mounts need root"
  root=${root:-$(mktemp -d /var/tmp/429chain-root.XXXXXX)}
  mkdir -p "$root"
  [[ -z $(ls -A "$root") ]] || fail "$root is not empty"
  root=$(cd -- "$root" && pwd)
  # Mounts live in another namespace, so nothing of this machine is below the folder when it is deleted.
  [[ -n $keep ]] || trap 'rm -rf --one-file-system -- "$root"' EXIT
  if [[ -n $base ]]; then
    [[ -d $base ]] || make_base "$base"
    cp -a --reflink=auto "$base/." "$root/"
  else
    rmdir "$root"
    make_base "$root"
  fi
  take_host_network "$root"
  git clone -q --no-hardlinks "$REPO" "$root$CLONE"
  unshare --mount --pid --fork --kill-child "${BASH_SOURCE[0]}" --inside "$root" "$steps"
  say "All steps passed: $steps"
}

if [[ ${1:-} == --inside ]]; then
  inside "$2" "$3"
else
  main "$@"
fi
