#!/bin/bash
# Gives a Debian machine its part in a Wharf fleet. Can be run again: settings that are there stay unless an option says otherwise, and what runs is
# not restarted for them (wharf-upgrade --restart does that, drained). Fetches nothing but Debian's packages.
set -euo pipefail

SETTINGS=/etc/wharf
SHARE=/mnt/wharf

usage() {
  cat <<'HELP'
Usage: wharf-install [options]        (install.sh from the sources, as root)

What this machine does, at least one of:
  --router              the HTTP API
  --instances LIST      instances by number: 1,2 or 1-4; a number once in a fleet
  --backup              hourly backups; another one waits where it may be lost

The fleet:
  --count N             instances in all (WHATSAPP_INSTANCE_COUNT)
  --redis URL           redis://HOST:6379; where it is this machine and has none,
                        Debian's Redis is installed
  --queue-redis URL     a Redis of its own for queues and events
  --token-file FILE     the fleet's internal token, or another machine's
                        wharf.env; without it one is made on the first machine
  --bind ADDRESS        this machine's private address, for routers and backups
  --share WHERE         nfs:SERVER:/PATH, glusterfs:SERVER:/VOLUME, local (one
                        machine alone), mounted (it is, by other means)
  --backup-bucket NAME, --backup-directory PATH

The package:
  --package FILE        wharf_VERSION_ARCHITECTURE.deb, where it is not installed
  --no-start            enables, and starts nothing
  --dry-run             says what would be done, and does nothing
  -h, --help

Asks for what is missing where there is a terminal. Examples:
  one machine      wharf-install --router --instances 1 --backup --share local \
                     --redis redis://localhost:6379 --backup-directory /var/backups/wharf
  one of several   wharf-install --instances 3,4 --count 8 --bind 10.0.0.12 \
                     --share nfs:files.internal:/wharf --redis redis://10.0.0.5:6379 \
                     --token-file /root/wharf-token
HELP
}

say() { echo "wharf-install: $*"; }
fail() {
  echo "wharf-install: $*" >&2
  exit 1
}
wrong() {
  echo "wharf-install: $*; see --help" >&2
  exit 2
}

# Refuses what systemd or a shell that reads a file of settings would take apart, or even run.
plain() { # what it is, its value
  case "$2" in
    *[[:space:]\\\"\'\$\&\|\;\<\>\(\)\`\#\~]*) wrong "$1 has a character that cannot stand in a setting; in a URL write it percent-encoded (& as %26, | as %7C, # as %23)" ;;
  esac
}

# Does it, or says that it would.
act() {
  if [ "$dry" = yes ]; then echo "would run: $*"; else "$@"; fi
}

router=no backup=no start=yes dry=no
instances='' count='' redis='' queue_redis='' token_file='' bind='' share='' package='' bucket='' directory=''
while [ "$#" -gt 0 ]; do
  case "$1" in
    --router) router=yes ;;
    --backup) backup=yes ;;
    --no-start) start=no ;;
    --dry-run) dry=yes ;;
    -h | --help) usage && exit 0 ;;
    --instances | --count | --redis | --queue-redis | --token-file | --bind | --share | --package | --backup-bucket | --backup-directory)
      [ "$#" -ge 2 ] || wrong "$1 needs a value"
      case "$1" in
        # Files of this machine, in no setting: a version may have a ~.
        --package | --token-file) ;;
        *) plain "$1" "$2" ;;
      esac
      case "$1" in
        --instances) instances=$2 ;;
        --count) count=$2 ;;
        --redis) redis=$2 ;;
        --queue-redis) queue_redis=$2 ;;
        --token-file) token_file=$2 ;;
        --bind) bind=$2 ;;
        --share) share=$2 ;;
        --package) package=$2 ;;
        --backup-bucket) bucket=$2 ;;
        --backup-directory) directory=$2 ;;
      esac
      shift
      ;;
    *) wrong "unknown option $1" ;;
  esac
  shift
done

# Asks on the terminal, if there is one and nothing was said.
ask() {
  local variable=$1 question=$2 answer
  [ -z "${!variable}" ] && [ -t 0 ] || return 0
  read -r -p "$question: " answer
  plain "what was answered" "$answer"
  printf -v "$variable" '%s' "$answer"
}

# 1,3-5 as lines 1 3 4 5.
numbers_of() {
  local part
  for part in ${1//,/ }; do
    case "$part" in
      *-*) seq "${part%-*}" "${part#*-}" ;;
      *) echo "$part" ;;
    esac
  done | sort -nu
}

# The value of a setting in a file, or nothing.
setting() {
  sed -n "s/^$2=//p" "$SETTINGS/$1.env" 2>/dev/null | tail -n 1
}

# Sets NAME=VALUE in a file: in place of the line that has it, else of the one that shows it as a comment, else at the end.
set_setting() {
  local file=$SETTINGS/$1.env name=$2 value=$3 changed
  [ "$(setting "$1" "$name")" != "$value" ] || return 0
  if [ "$dry" = yes ]; then
    echo "would set $name in $file"
    return 0
  fi
  changed=$(NAME=$name VALUE=$value awk '
    BEGIN { name = ENVIRON["NAME"]; line = name "=" ENVIRON["VALUE"] }
    { lines[NR] = $0
      if (index($0, name "=") == 1) at = NR
      else if (index($0, "#" name "=") == 1) shown = NR }
    END {
      if (!at) at = shown
      for (i = 1; i <= NR; i++) {
        if (i == at) print line
        else if (index(lines[i], name "=") != 1) print lines[i]
      }
      if (!at) print line
    }' "$file")
  # Into the same file: its owner and mode stay.
  printf '%s\n' "$changed" >"$file"
  say "$name set in $file"
}

check_arguments() {
  if [ "$router$backup" = nono ] && [ -z "$instances" ] && [ -t 0 ]; then
    local roles
    read -r -p "What does this machine do (router, backup, instances 1-4; several with spaces)? " roles
    for role in $roles; do
      case "$role" in
        router) router=yes ;;
        backup) backup=yes ;;
        instances) ;;
        *) instances=$role ;;
      esac
    done
  fi
  [ "$router$backup$instances" != nono ] || wrong "say what this machine does: --router, --instances LIST, --backup"
  [[ "$instances" =~ ^([1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?(,[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})?)*)?$ ]] || wrong "--instances is a list such as 1,2 or 1-4"
  mapfile -t numbers < <(numbers_of "$instances")
  ask redis "Redis, as redis://HOST:6379 (empty: as in $SETTINGS/wharf.env)"
  ask share "Share: nfs:SERVER:/PATH, glusterfs:SERVER:/VOLUME, local or mounted (empty: as it is)"
  ask count "Instances of the whole fleet (empty: as in $SETTINGS/wharf.env)"
  [ "${#numbers[@]}" = 0 ] || ask bind "This machine's private address (empty: as in $SETTINGS/instance.env)"
  [[ "$count" =~ ^([1-9][0-9]{0,3})?$ ]] || wrong "--count is a number"
  case "$share" in
    '' | local | mounted | nfs:?*:/* | glusterfs:?*:/?*) ;;
    *) wrong "--share is nfs:SERVER:/PATH, glusterfs:SERVER:/VOLUME, local or mounted" ;;
  esac
  [ -z "$bucket" ] || [ -z "$directory" ] || wrong "backups are kept in a bucket or in a directory, not in both"
  [ -z "$token_file" ] || [ -r "$token_file" ] || fail "$token_file cannot be read."
  [ -z "$package" ] || [ -r "$package" ] || fail "$package cannot be read."
  [ "$dry" = yes ] || [ "$(id -u)" = 0 ] || fail "must be run as root."
}

# What Wharf asks of a Redis for queues, for the one that was just installed here: what it confirmed is on the disk, and nothing is thrown away.
make_redis_durable() {
  if [ "$dry" = yes ]; then
    echo "would set appendonly, appendfsync and maxmemory-policy in /etc/redis/redis.conf"
    return 0
  fi
  printf '%s\n' '# By wharf-install.' 'appendonly yes' 'appendfsync always' 'maxmemory-policy noeviction' >>/etc/redis/redis.conf
  systemctl restart redis-server.service
}

# Debian's packages that the roles of this machine need.
install_packages() {
  local wanted=()
  [ "${#numbers[@]}" = 0 ] || command -v chromium-headless-shell >/dev/null || wanted+=(chromium-headless-shell)
  case "$share" in
    nfs:*) [ -x /sbin/mount.nfs4 ] || wanted+=(nfs-common) ;;
    glusterfs:*) [ -x /sbin/mount.glusterfs ] || wanted+=(glusterfs-client) ;;
  esac
  case "$redis" in
    redis://localhost* | redis://127.0.0.1*) command -v redis-server >/dev/null || wanted+=(redis-server) ;;
  esac
  if [ "${#wanted[@]}" -gt 0 ]; then
    act apt-get update
    act env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "${wanted[@]}"
    case " ${wanted[*]} " in
      *' redis-server '*) make_redis_durable ;;
    esac
  fi
  if [ -z "$package" ]; then
    if dpkg-query --show wharf >/dev/null 2>&1; then return 0; fi
    [ "$dry" = yes ] || fail "wharf is not installed: give its package with --package FILE."
    echo "would need --package FILE: wharf is not installed"
    return 0
  fi
  local version
  version=$(dpkg-deb --field "$package" Version)
  if [ "$(dpkg-query --show --showformat='${Version}' wharf 2>/dev/null || true)" = "$version" ]; then
    say "wharf $version is installed"
  elif dpkg-query --show wharf >/dev/null 2>&1; then
    fail "another version of wharf is installed: upgrade it with: wharf-upgrade $package"
  else
    act env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "$(realpath "$package")"
  fi
}

mount_share() {
  local kind=${share%%:*} unit=/etc/systemd/system/mnt-wharf.mount what=${share#*:}
  case "$kind" in
    '' | mounted) ;;
    *)
      if [ -e "$unit" ]; then
        say "$unit is there and stays as it is"
      elif [ "$dry" = yes ]; then
        echo "would write $unit for $share"
      else
        [ "$kind" != local ] || { what=/var/lib/wharf-share && install -d -m 0755 "$what"; }
        # Without the servers of the example: others that know the volume are added by hand.
        sed -e "s#^What=.*#What=$what#" -e 's#backup-volfile-servers=[^,]*,##' "/usr/lib/wharf/mounts/$kind/mnt-wharf.mount" >"$unit"
        systemctl daemon-reload
        say "$unit written"
      fi
      act systemctl enable --now mnt-wharf.mount
      ;;
  esac
  [ "$dry" = no ] || return 0
  findmnt --noheadings --mountpoint "$SHARE" >/dev/null || fail "nothing is mounted at $SHARE; give --share, or mount it."
  [ -d "$SHARE/sessions" ] || install -d -o wharf -g wharf -m 0700 "$SHARE/sessions"
  # Tried as the user that will do it: what a file server allows is known to it alone.
  local trial=$SHARE/sessions/.wharf-install-$$
  { setpriv --reuid=wharf --regid=wharf --clear-groups touch "$trial" && rm "$trial"; } ||
    fail "the user wharf (uid $(id -u wharf)) cannot write to $SHARE/sessions, which belongs to uid $(stat -c %u "$SHARE/sessions"). The number has to be the same on all machines."
}

# One word of 48 hexadecimal digits.
random_word() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

write_settings() {
  local number
  [ -z "$redis" ] || set_setting wharf REDIS_URL "$redis"
  [ -z "$queue_redis" ] || set_setting wharf QUEUE_REDIS_URL "$queue_redis"
  [ -z "$count" ] || set_setting wharf WHATSAPP_INSTANCE_COUNT "$count"
  if [ -n "$token_file" ]; then
    local token
    token=$(sed -n 's/^WHARF_INTERNAL_TOKEN=//p' "$token_file" | tail -n 1)
    [ -n "$token" ] || token=$(head -n 1 "$token_file")
    [[ "$token" =~ ^[A-Za-z0-9_-]{32,200}$ ]] || fail "$token_file has no token: 32 to 200 characters of A-Z a-z 0-9 _ -, or a line WHARF_INTERNAL_TOKEN=..."
    set_setting wharf WHARF_INTERNAL_TOKEN "$token"
  elif [ -z "$(setting wharf WHARF_INTERNAL_TOKEN)" ]; then
    set_setting wharf WHARF_INTERNAL_TOKEN "$(random_word)"
    say "made the fleet's internal token. On each other machine: copy $SETTINGS/wharf.env there, and wharf-install --token-file COPY"
  fi
  if [ -n "$bind" ]; then
    set_setting instance BIND_ADDRESS "$bind"
    set_setting backup BIND_ADDRESS "$bind"
  fi
  [ -z "$bucket" ] || set_setting backup BACKUP_S3_BUCKET "$bucket"
  if [ -n "$directory" ]; then
    set_setting backup BACKUP_DIRECTORY "$directory"
    act install -d -o wharf -g wharf -m 0700 "$directory"
    drop_in wharf-backup.service 10-directory.conf "[Service]
ReadWritePaths=$directory"
  fi
  for number in "${numbers[@]}"; do
    [ -e "$SETTINGS/instance-$number.env" ] || act install -m 0640 -o root -g wharf /dev/null "$SETTINGS/instance-$number.env"
    [ -n "$(setting "instance-$number" PORT)" ] || set_setting "instance-$number" PORT "$((3000 + number))"
  done
  # Of the 80 % that one instance alone may take.
  if [ "${#numbers[@]}" -gt 1 ]; then
    drop_in wharf-instance@.service 10-memory.conf "# ${#numbers[@]} instances share this machine's memory.
[Service]
MemoryMax=$((80 / ${#numbers[@]}))%"
  fi
}

# Adds to a unit what belongs to this machine.
drop_in() {
  local file=/etc/systemd/system/$1.d/$2
  if [ -e "$file" ] && [ "$(cat "$file")" = "$3" ]; then return 0; fi
  if [ "$dry" = yes ]; then
    echo "would write $file"
    return 0
  fi
  mkdir -p "$(dirname "$file")"
  printf '%s\n' "$3" >"$file"
  systemctl daemon-reload
  say "$file written"
}

# A first key for a fleet that has none: the router gets one for as long as it takes to make another that is kept as a hash.
make_admin_key() {
  [ -z "$(setting command WHARF_API_KEY)" ] || return 0
  if [ "$dry" = yes ]; then
    echo "would make an admin key, in $SETTINGS/command.env"
    return 0
  fi
  local given first key port
  given=$(setting router WHARF_ADMIN_KEY)
  first=${given:-$(random_word)}
  port=$(setting router PORT)
  if [ -z "$given" ]; then
    set_setting router WHARF_ADMIN_KEY "$first"
    systemctl restart wharf-router.service
  fi
  set_setting command WHARF_URL "http://127.0.0.1:${port:-3000}"
  key=$(WHARF_API_KEY=$first wharf keys create --name "root on $(hostname)" --json | sed -n 's/.*"key": *"\([^"]*\)".*/\1/p')
  [ -n "$key" ] || fail "the router made no key; WHARF_ADMIN_KEY in $SETTINGS/router.env is good until it is taken away."
  set_setting command WHARF_API_KEY "$key"
  if [ -z "$given" ]; then
    sed -i '/^WHARF_ADMIN_KEY=/d' "$SETTINGS/router.env"
    systemctl restart wharf-router.service
  fi
  say "made an admin key for root on this machine: $SETTINGS/command.env"
}

enable_and_start() {
  local units=() number
  [ "$router" = no ] || units+=(wharf-router.service)
  for number in "${numbers[@]}"; do units+=("wharf-instance@$number.service"); done
  if [ "$backup" = yes ]; then
    if [ -n "$(setting backup BACKUP_S3_BUCKET)$(setting backup BACKUP_DIRECTORY)" ] || [ "$dry" = yes ]; then
      units+=(wharf-backup.service)
    else
      say "the backup service is not enabled: it needs --backup-bucket or --backup-directory" >&2
    fi
  fi
  act systemctl enable wharf.target "${units[@]}"
  [ "$start" = yes ] || return 0
  # Back when all are ready. What runs already goes on as it is.
  act systemctl start wharf.target "${units[@]}"
  [ "$router" = no ] || make_admin_key
}

check_arguments
install_packages
mount_share
write_settings
enable_and_start
if [ "$dry" = yes ]; then
  say "nothing was done."
elif ! wharf-doctor; then
  fail "done, but the doctor is not content with this machine: see above."
else
  say "done. See: systemctl status 'wharf*', and wharf status"
fi
