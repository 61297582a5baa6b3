#!/bin/sh
# The `tocsin` command: runs the daemon on the Node that the project pins, whatever the system has.
# exec, so that signals reach the daemon itself and no second process stands between.
here=$(dirname "$(readlink -f "$0")")
exec "$here/../node_modules/.bin/node" "$here/main.ts" "$@"
