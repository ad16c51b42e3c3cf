#!/bin/sh
# Stand-in for NVIDIA's installer: notes its options, "loads" the driver where the scenario says that it is told.
set -eu
echo "$*" >> /root/installer-options
mkdir -p /root/proc
echo "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.1.2  stand-in" > /root/proc/version
: > /root/proc/modules
