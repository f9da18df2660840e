#!/usr/bin/env bash
# boot-systemd.sh REPOSITORY NODE: boots systemd as PID 1 of a container over a
# throw-away overlay of this machine's root, with cgroup v2 and a network of its own.
# Inside, REPOSITORY is /srv/reeve (read-only) and NODE is /usr/local/bin/node.
# Prints `booted PID ROOT`: systemd's pid and its root folder as seen from outside.
# Ends with its stdin, and with it everything it has made, however its caller ends.
# Exit 3, after `cannot REASON`: this machine does not allow it.
set -euo pipefail

repository=$1 node=$2
cannot() { echo "cannot $1"; exit 3; }

[ "$(id -u)" = 0 ] || cannot 'not root'
for command in systemd-nspawn systemctl nsenter; do
  command -v "$command" >/dev/null || cannot "$command is missing (Debian: systemd-container)"
done

box=$(mktemp -d /var/tmp/reeve-systemd.XXXXXX)
nspawn=
cleanup() {
  if [ -n "$nspawn" ]; then kill -KILL "${leader:-$nspawn}" "$nspawn" 2>/dev/null || true; wait "$nspawn" 2>/dev/null || true; fi
  for mounted in "$box/root" "$box/layer"; do
    if mountpoint -q "$mounted"; then umount -l "$mounted"; fi
  done
  rm -rf --one-file-system "$box"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

mkdir "$box/layer" "$box/root"
mount -t tmpfs tmpfs "$box/layer" -o size=1g,mode=755 2>/dev/null || cannot 'no permission to mount'
mkdir "$box/layer/upper" "$box/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$box/layer/upper,workdir=$box/layer/work" "$box/root" 2>/dev/null ||
  cannot 'no overlay over this root'
root=$box/root
# As an empty machine would have it: no unit of this one starts but systemd's own.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/fstab
mkdir -p "$root/srv/reeve" "$root/etc/reeve"
[ -e "$root/usr/local/bin/node" ] || touch "$root/usr/local/bin/node"

SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --private-network \
  --bind-ro="$repository:/srv/reeve" --bind-ro="$node:/usr/local/bin/node" \
  --directory="$root" --boot systemd.unit=basic.target >"$box/console" 2>&1 </dev/null &
nspawn=$!

# The container's PID 1: the descendant of nspawn that is 1 in a pid namespace of its own.
find_leader() {
  local pid
  for pid in $(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null); do
    if grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" 2>/dev/null; then leader=$pid; return 0; fi
  done
  return 1
}
booted() { nsenter --target "$leader" --all systemctl is-active --quiet basic.target 2>/dev/null; }

leader=
deadline=$((SECONDS + 60))
until { [ -n "$leader" ] || find_leader; } && booted; do
  if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$nspawn" 2>/dev/null; then
    echo 'systemd did not boot; the end of its console:' >&2
    tail -20 "$box/console" >&2
    exit 1
  fi
  sleep 0.1
done
echo "booted $leader $root"
cat >/dev/null
