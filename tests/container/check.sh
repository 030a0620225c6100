#!/bin/sh
# Builds the image and runs it as the README says, on a machine that has no Docker and asks no image registry: the
# base is a Debian made on the spot. `make container-check`; as root; takes some minutes.
#
# What is seen to hold: the image is healthy by its own health check, takes and finds an image on a read-only root file
# system as user 10001, refuses whom nobody declared, and ends with 0 on SIGTERM.
set -eu

home=$(cd "$(dirname "$0")/../.." && pwd)
name=scpd-check-$$
work=$(mktemp -d)
trap 'containers rm --force "$name" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# No overlay file system, no cgroups of our own and no systemd are needed.
images() { buildah --storage-driver vfs "$@"; }
containers() { podman --storage-driver vfs --cgroup-manager cgroupfs --runtime runc "$@"; }
say() { printf '== %s\n' "$*"; }
fails() { ! "$@" >/dev/null 2>&1; }

for program in mmdebstrap buildah podman runc echoscu storescu findscu; do
    command -v "$program" >/dev/null || {
        echo "$program is missing: apt-get install mmdebstrap buildah podman runc dcmtk" >&2
        exit 1
    }
done

say "a base: Debian bookworm"
# The certificates are there beforehand, for the machine's own are laid over them below.
mmdebstrap --quiet --variant=apt --include=ca-certificates bookworm "$work/base.tar"
base=$(images from scratch)
images add --quiet "$base" "$work/base.tar" / >/dev/null
images commit --quiet --rm "$base" localhost/scpd-check-base >/dev/null

say "the image"
# A machine behind a proxy of its own has the proxy's certificate here.
images bud --quiet --isolation chroot --network host --format docker \
    --build-arg BASE=localhost/scpd-check-base --volume /etc/ssl/certs:/etc/ssl/certs:ro \
    --tag localhost/scpd-check "$home" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }

say "a container"
cat >"$work/peers.toml" <<'TOML'
[[peer]]
ae_title = "STORESCU"
addresses = ["127.0.0.1"]

[[peer]]
ae_title = "FINDSCU"
addresses = ["127.0.0.1"]
operations = ["find"]
TOML
containers run --detach --name "$name" --log-driver k8s-file \
    --read-only --read-only-tmpfs=false --network host --ulimit nofile=10000:10000 --ulimit nproc=2000:2000 \
    --volume "$work/peers.toml:/etc/scpd/conf.d/peers.toml:ro" localhost/scpd-check >/dev/null
attempts=0
until containers logs "$name" 2>&1 | grep --quiet '"listening"'; do
    attempts=$((attempts + 1))
    [ "$attempts" -lt 100 ] || { containers logs "$name" >&2; exit 1; }
done

say "healthy, storing and finding"
containers healthcheck run "$name"
image=$("$home/.venv/bin/python" -c 'from pydicom.data import get_testdata_file as file; print(file("CT_small.dcm"))')
storescu -aec SCPD 127.0.0.1 11112 "$image"
findscu -aec SCPD --study -k QueryRetrieveLevel=STUDY -k PatientID -k StudyInstanceUID 127.0.0.1 11112 2>&1 |
    grep --quiet 1CT1
fails echoscu -aet STRANGER -aec SCPD 127.0.0.1 11112
[ "$(containers inspect --format '{{.Config.User}}' "$name")" = 10001:10001 ]

say "stopping"
containers stop --time 40 "$name" >/dev/null
[ "$(containers inspect --format '{{.State.ExitCode}}' "$name")" = 0 ]
say "the container does what the README says"
