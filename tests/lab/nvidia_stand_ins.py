"""Stand-ins for NVIDIA's installer and programs and for the kernel's modules, in a plain guest of the lab.

The "kernel" is a folder of the guest. What they do is what NVIDIA's sources do: nvidia-modprobe makes no node that -c
does not name (nvidia-modprobe.c), and the installer fails where nouveau keeps it from trying its modules, unless it is
told not to try (nvidia-installer, misc.c and kernel.c).
"""

from __future__ import annotations

KERNEL = "/root/kernel"

INSTALLER = f"""#!/bin/sh
# Stand-in of NVIDIA's installer. Refuses options that NVIDIA's has not, as NVIDIA's does.
set -eu
version=@VERSION@
load=yes
for option in "$@"; do
    case $option in
        --silent | --dkms | --kernel-module-type=open | --allow-installation-with-running-driver) ;;
        --no-x-check | --no-nouveau-check | --no-backup) ;;
        --skip-module-load) load= ;;
        *) echo "unrecognized option: $option" >&2; exit 1 ;;
    esac
done
echo "$version $*" >> {KERNEL}/installations
if [ -e {KERNEL}/breaks ]; then
    echo "ERROR: Failed to build the NVIDIA kernel modules" >&2
    exit 1
fi
if [ -n "$load" ] && grep -q '^nouveau ' {KERNEL}/modules; then
    echo "ERROR: Unable to load the kernel module 'nvidia.ko'" >&2
    exit 1
fi
echo "$version" > {KERNEL}/on-disk
[ -z "$load" ] || modprobe nvidia
"""

_MODPROBE = f"""
if [ "$1" = -r ]; then
    [ ! -e {KERNEL}/held ] || exit 1
    : > {KERNEL}/modules
    rm -f {KERNEL}/version
elif [ ! -s {KERNEL}/modules ] && [ -e {KERNEL}/on-disk ]; then
    echo "nvidia 1 0 - Live 0x0" > {KERNEL}/modules
    echo "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  $(cat {KERNEL}/on-disk)  stand-in" > {KERNEL}/version
fi
"""

# A guest may make no device of its own: links to one stand for them.
_NVIDIA_MODPROBE = f"""
case "$*" in
    -m) names=nvidia-modeset ;;
    "-u -c 0") names="nvidia-uvm nvidia-uvm-tools" ;;
    *)
        names=
        while [ $# -gt 0 ]; do
            [ "$1" = -c ] || exit 1
            [ "$2" = 255 ] && names="$names nvidiactl" || names="$names nvidia$2"
            shift 2
        done ;;
esac
for name in $names; do
    [ -e "{KERNEL}/without-$name" ] || ln -sf /dev/null "/dev/$name"
done
"""

_PERSISTENCED = """
sleep infinity &
echo $! > /run/nvidia-persistenced/nvidia-persistenced.pid
"""

PROGRAMS = {
    "modprobe": _MODPROBE,
    "nvidia-modprobe": _NVIDIA_MODPROBE,
    "nvidia-persistenced": _PERSISTENCED,
    "nvidia-smi": "exit 0",
    "update-initramfs": "exit 0",
}
