#!/bin/sh
# Boots systemd as the first process of namespaces of its own, over an overlay of / (machine.ts runs this in a private mount
# namespace). DIRECTORY is a tmpfs; upper/ and work/ in it are the machine's disk and outlive a boot.
#
#     machine.sh boot DIRECTORY GROUP PROJECT NODE      PROJECT appears as /opt/bpftables, NODE as /usr/local/bin/node
#     machine.sh inside ROOT                            what boot runs in the new namespaces
#     machine.sh clean DIRECTORY GROUP
set -e

boot() {
  directory=$1 group=$2 project=$3 node=$4 root=$1/root
  mkdir -p "$directory/groups" "$directory/upper" "$directory/work" "$root"
  mount -t cgroup2 none "$directory/groups"
  mkdir -p "$directory/groups/$group"
  echo $$ > "$directory/groups/$group/cgroup.procs"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$root"
  [ -e "$directory/installed" ] || install_system "$root"
  touch "$directory/installed"
  mount --bind "$project" "$root/opt/bpftables"
  mount --bind "$node" "$root/usr/local/bin/node"
  exec unshare --pid --fork --mount --uts --ipc --net --cgroup --kill-child sh "$0" inside "$root"
}

# Nothing of the host's own units.
install_system() {
  rm -rf "$1/etc/systemd/system" "$1/opt/bpftables" "$1/var/lib/bpftables"
  mkdir -p "$1/etc/systemd/system" "$1/opt/bpftables"
  touch "$1/usr/local/bin/node"
  printf '[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n' > "$1/etc/systemd/system/machine.target"
}

inside() {
  root=$1
  mount --rbind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,ro,bind "$root/proc/sys"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t bpf bpf "$root/sys/fs/bpf"
  mount -o remount,ro,bind "$root/sys"
  devices "$root/dev"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  ip link set lo up
  mkdir -p "$root/host"
  cd "$root"
  pivot_root . host
  umount -l /host
  export container=bpftables-test
  dropped=-sys_time,-sys_module,-sys_boot
  exec setpriv --bounding-set=$dropped --inh-caps=$dropped \
    /lib/systemd/systemd --system --unit=machine.target --log-target=console --log-level=warning
}

devices() {
  mount -t tmpfs tmpfs "$1"
  for device in null zero full random urandom tty; do
    touch "$1/$device"
    mount --bind "/dev/$device" "$1/$device"
  done
  mkdir "$1/pts" "$1/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/pts"
  ln -s pts/ptmx "$1/ptmx"
  ln -s /proc/self/fd "$1/fd"
}

clean() {
  mount -t cgroup2 none "$1/groups"
  find "$1/groups/$2" -depth -type d -exec rmdir {} +
}

"$@"
