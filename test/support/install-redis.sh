#!/usr/bin/env bash
# install-redis.sh FOLDER: puts redis-server, redis-sentinel and redis-cli into FOLDER/bin,
# as root by installing Debian's redis-tools, otherwise by unpacking it and what it needs
# into FOLDER. redis-tools has the one program that is server and sentinel, by the name it
# is called by; the package redis-server would only add a service, and start it.
# Processes that call this at once wait for the first. Exit 3, after `cannot REASON`.
set -euo pipefail

folder=$1
cannot() { echo "cannot $1"; exit 3; }

for command in apt-get dpkg flock; do
  command -v "$command" >/dev/null || cannot "$command is missing"
done
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [ -x "$folder/bin/redis-cli" ]; then exit 0; fi

export DEBIAN_FRONTEND=noninteractive
lists=()
apt() { apt-get --quiet=2 -o Acquire::Retries=2 "${lists[@]}" "$@" 2>>"$folder/log" 9>&-; }
# Whoever is not root cannot renew the lists of the machine, and has lists of its own.
update() {
  if [ "$(id -u)" != 0 ]; then
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    lists=(-o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache")
  fi
  apt update >>"$folder/log"
}
in_new_lists() { "$@" || { update && "$@"; }; }

install() { apt install --yes --no-install-recommends redis-tools >>"$folder/log"; }

# What the machine lacks for redis-tools, itself included. The C library is never unpacked: the loader is the machine's.
lacking() { apt install --simulate redis-tools | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vx 'libc6'; }
unpack() {
  local packages archive
  mkdir -p "$folder/archives"
  cd "$folder/archives"
  packages=$(lacking) || return 1
  # shellcheck disable=SC2086 # they are words
  apt download $packages || return 1
  for archive in *.deb; do dpkg --extract "$archive" "$folder/root" || return 1; done
  cd / && rm -r "$folder/archives"
}

# program NAME BINARY: FOLDER/bin/NAME becomes BINARY in the same process, under its own name and with its libraries.
program() {
  printf '#!/bin/bash\n%sexec -a %s %q "$@"\n' "$libraries" "$1" "$2" >"$folder/bin/$1.new"
  chmod +x "$folder/bin/$1.new"
  mv "$folder/bin/$1.new" "$folder/bin/$1"
}

if [ "$(id -u)" = 0 ]; then
  in_new_lists install || cannot "apt-get could not install redis-tools: $(tail -1 "$folder/log")"
  root='' libraries=''
else
  in_new_lists unpack || cannot "apt-get could not download redis-tools: $(tail -1 "$folder/log")"
  root=$folder/root
  libraries=$(printf 'export LD_LIBRARY_PATH=%q\n_' "$(find "$root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd :)")
  libraries=${libraries%_}
fi
[ -x "$root/usr/bin/redis-check-rdb" ] || cannot 'redis-tools of this system has no server in it'
mkdir -p "$folder/bin"
program redis-server "$root/usr/bin/redis-check-rdb"
program redis-sentinel "$root/usr/bin/redis-check-rdb"
program redis-cli "$root/usr/bin/redis-cli"
