#!/bin/bash
# PID 1 of a virtual machine: brings up its network and disks, serves or waits for NFS, and keeps the agent running.
# The kernel's command line says who it is: wharf.name, wharf.role (server or client), wharf.data and wharf.control (addresses).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
word() { tr ' ' '\n' </proc/cmdline | sed -n "s/^wharf\.$1=//p"; }
mountpoint -q /dev/shm || { mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm; }
mountpoint -q /dev/pts || { mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; }
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /run/lock
hostname "$(word name)"
for module in virtio_net virtio_rng nfs nfsv4; do modprobe "$module"; done
ip link set lo up
# In the order of the devices on QEMU's command line: the data network, then the control network.
ip addr add "$(word data)/24" dev eth0
ip link set eth0 up
ip addr add "$(word control)/24" dev eth1
ip link set eth1 up
if [ "$(word role)" = server ]; then
  modprobe nfsd
  mkdir -p /srv/share
  mount /dev/vdc /srv/share
  mkdir -p /srv/share/sessions
  chmod 0700 /srv/share/sessions
  echo '/srv/share *(rw,sync,no_subtree_check,no_root_squash,fsid=0)' >/etc/exports
  mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs 2>/dev/null || { mkdir -p /run/rpc_pipefs; mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs; }
  mount -t nfsd nfsd /proc/fs/nfsd
  mkdir -p /var/lib/nfs/nfsdcld
  nfsdcld
  exportfs -ra
  rpc.nfsd --no-nfs-version 3 --no-udp 8
  rpc.mountd --no-nfs-version 2 --no-nfs-version 3
  # Nobody has anything to reclaim on a server's first start.
  echo Y >/proc/fs/nfsd/v4_end_grace
fi
while true; do
  /wharf/node /wharf/app/dist/test/nfs/guest/agent.js
  echo "the agent ended with $?"
  sleep 1
done
