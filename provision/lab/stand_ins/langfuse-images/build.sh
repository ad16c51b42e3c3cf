#!/bin/bash
# Lays out DEST as `docker save` writes an archive: six images for the six containers of roles/langfuse. PostgreSQL and
# Redis are Debian's own; ClickHouse, the S3 store and Langfuse's web and worker are stand-ins, which speak the part of
# the API that the stack uses. All share one layer, this guest's own files.
#
#   STAND_IN_TAG=TAG bash build.sh DEST
set -euo pipefail

dest=${1:?usage: build.sh DEST}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tag=${STAND_IN_TAG:?the tag of the images}
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q -y --no-install-recommends install postgresql-15 redis-server python3-psycopg2 python3-redis wget

# The users that upstream's images run as; initdb refuses a user without a name.
echo 'stand-in:x:999:999::/tmp:/bin/sh' >>/etc/passwd
home=/usr/local/lib/langfuse-stand-in
mkdir -p "$home"
install -m 644 "$recipe"/*.py "$home/"
install -m 755 "$recipe/postgres.sh" "$home/postgres.sh"
install -m 755 "$recipe/minio.sh" /usr/local/bin/minio
install -m 755 "$recipe/mc.sh" /usr/local/bin/mc

# Only what programs need: other folders of the guest hold package files of this machine, gigabytes of them.
rm -rf "$dest"
mkdir -p "$dest" /var/tmp/empty/tmp /var/tmp/empty/data /var/tmp/empty/run /var/tmp/empty/proc /var/tmp/empty/dev \
  /var/tmp/empty/sys /var/tmp/empty/var/lib /var/tmp/empty/root
chmod 1777 /var/tmp/empty/tmp
tar --numeric-owner --sort=name -cf "$dest/layer.tar" -C / \
  --exclude=usr/share/doc --exclude=usr/share/man --exclude=usr/share/locale --exclude=usr/src \
  --exclude='usr/lib/x86_64-linux-gnu/libLLVM*' --exclude=etc/ssh bin sbin lib lib64 usr etc \
  -C /var/tmp/empty tmp data run proc dev sys var root
python3 "$recipe/docker_archive.py" "$dest" "$tag"
ls -l "$dest"
