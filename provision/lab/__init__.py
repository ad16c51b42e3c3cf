"""Real unprivileged LXC guests on this machine: rootfs, bridge, bundles, artifact mirror."""
