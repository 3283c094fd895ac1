#!/bin/bash
# Runs wharf-install in a machine that is a directory: Debian's own programs, the package's settings, and in place of what would change a real
# machine (systemctl, apt-get, the wharf command) programs that write down how they were called. Needs a mount namespace of its own, and root.
# Arguments: an empty directory, systemd/ of the repository, then those of wharf-install; -- begins another call of it.
set -euo pipefail

root=$1
systemd=$2
shift 2
mount -t tmpfs none "$root"
cd "$root"
mkdir -p bin-stubs dev etc/systemd/system etc/wharf lower/lib/wharf/env lower/lib/wharf/mounts mnt proc run tmp usr var/lib/wharf
cp /etc/passwd /etc/group /etc/nsswitch.conf etc/
cp -a /etc/alternatives etc/
sed -i '/^wharf:/d' etc/passwd etc/group
echo 'wharf:x:870:870::/var/lib/wharf:/usr/sbin/nologin' >>etc/passwd
echo 'wharf:x:870:' >>etc/group
cp "$systemd"/env/* lower/lib/wharf/env/
cp -r "$systemd"/mounts/. lower/lib/wharf/mounts/
mount -t overlay -o "ro,lowerdir=$root/lower:/usr" overlay usr
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$folder"; done
mount -t proc proc proc
mount --rbind /dev dev
cp "$systemd/install.sh" install.sh
# The settings of another machine, as they are copied to this one.
printf '%s\n' '# of another machine' WHARF_INTERNAL_TOKEN=token-of-another-machine_0123456789 >other.env
for file in lower/lib/wharf/env/*; do install -m 0640 -o root -g 870 "$file" etc/wharf/; done

stub() {
  cat >"bin-stubs/$1"
  chmod 755 "bin-stubs/$1"
}
stub systemctl <<'STUB'
#!/bin/bash
echo "systemctl $*" >>/calls
if [ "$*" = 'enable --now mnt-wharf.mount' ]; then
  mkdir -p /mnt/wharf
  mount --bind /mnt/wharf /mnt/wharf
fi
STUB
stub wharf <<'STUB'
#!/bin/bash
echo "wharf $1 $2 with ${WHARF_API_KEY:+a key}" >>/calls
printf '{\n  "id": "k1",\n  "key": "made-by-the-router",\n  "workspace_id": null\n}\n'
STUB
stub dpkg-query <<'STUB'
#!/bin/bash
echo 1.2.3
STUB
for name in apt-get wharf-doctor; do
  stub "$name" <<'STUB'
#!/bin/bash
echo "$(basename "$0") $*" >>/calls
STUB
done

call() {
  PATH=/bin-stubs:$PATH chroot "$root" bash /install.sh "$@" </dev/null 2>&1 || echo "exit code $?"
}
arguments=()
for argument in "$@" --; do
  if [ "$argument" = -- ]; then
    call "${arguments[@]}"
    arguments=()
  else
    arguments+=("$argument")
  fi
done
echo '== calls'
cat calls 2>/dev/null || true
echo '== settings'
(cd etc/wharf && grep -H '^[^#]' ./*.env)
echo '== modes'
(cd etc/wharf && stat -c '%n %a %u:%g' ./*.env)
stat -c '%n %a %u:%g' mnt/wharf/sessions 2>/dev/null || true
echo '== units'
(cd etc/systemd/system && { grep -rH '^[A-Z][A-Za-z]*=' . || true; } | sort)
