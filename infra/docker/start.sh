#!/bin/sh
# What the image runs: router, instance or backup, or any other program by its name (wharf status).
set -eu
umask 0077
case "${1:-}" in
  router) exec node /usr/lib/wharf/dist/router/main.js ;;
  instance) exec node /usr/lib/wharf/dist/instance/supervisor/main.js ;;
  backup) exec node /usr/lib/wharf/dist/backup/main.js ;;
  '')
    echo 'Say what to run: router, instance, backup, or a command such as: wharf doctor' >&2
    exit 2
    ;;
  *) exec "$@" ;;
esac
