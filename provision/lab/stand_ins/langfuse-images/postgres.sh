#!/bin/sh
# Debian's PostgreSQL behind the names that upstream's image has: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
  umask 077
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  "$bin/initdb" --pgdata "$data" --username "$POSTGRES_USER" --pwfile /tmp/password --auth scram-sha-256 --encoding UTF8
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  # The database is made by a server that nobody else reaches; its owner is trusted for that one moment.
  echo "CREATE DATABASE $POSTGRES_DB" | "$bin/postgres" --single -D "$data" postgres >/dev/null
fi
shift
exec "$bin/postgres" -D "$data" -c "listen_addresses=*" -c unix_socket_directories=/tmp "$@"
