# Sourced by checks that start programs where only a bare Debian is, after scripts/common.sh. Such a check runs as root, in
# mounts of its own, which end with it.
if [ "$(id -u)" != 0 ]; then
  echo "$(basename "$0"): needs root, to start programs in a root of their own" >&2
  exit 1
fi
[ -n "${TEMPER_OWN_MOUNTS:-}" ] || TEMPER_OWN_MOUNTS=1 exec unshare --mount "$0" "$@"

# Debian 13: its libraries are one step newer than those of Debian 12, where Temper is built; those of Ubuntu 24.04 lie
# between.
kSuite=trixie

# bare_root [PACKAGE...]: sets `root` to a minimal Debian with python3 and the packages, below build, and mounts what
# scripts/stage_wheels has where its python3 finds packages.
bare_root() {
  local bare=$PWD/build/roots/bare wheels
  if [ ! -e "$bare/complete" ]; then
    scripts/install_deps debootstrap debian-archive-keyring
    rm -rf "$bare"
    mkdir -p "$bare"
    debootstrap --variant=minbase --include=python3,ca-certificates "$kSuite" "$bare" > build/debootstrap.log || {
      tail -20 build/debootstrap.log >&2
      return 1
    }
    touch "$bare/complete"
  fi
  root=$bare
  if [ $# -gt 0 ]; then
    root=$PWD/build/roots/$(printf '%s_' "$@")
    if [ ! -e "$root/with" ]; then
      rm -rf "$root"
      cp -a "$bare" "$root"
      inside sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@"' \
        sh "$@" > build/bare_root.log 2>&1 || { tail -20 build/bare_root.log >&2; return 1; }
      touch "$root/with"
    fi
  fi
  scripts/stage_wheels
  wheels=$root$(inside python3 -c 'import site; print(site.getsitepackages()[0])')
  mkdir -p "$wheels"
  mount -t proc proc "$root/proc"
  mount --bind build/wheels "$wheels"
}
# inside COMMAND...: in `root`, without this machine's environment.
inside() { env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root chroot "$root" "$@"; }

# travel FILE...: puts the files that git knows or would take, and the files named, into /opt/travelled of `root`.
travel() {
  rm -rf "$root/opt/travelled"
  mkdir -p "$root/opt/travelled"
  { git ls-files -co --exclude-standard && printf '%s\n' "$@"; } | tar -c -T - | tar -x -C "$root/opt/travelled"
}
