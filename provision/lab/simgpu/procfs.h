/* What /proc tells of one process; `folder` is its open folder there. */
#ifndef SIMGPU_PROCFS_H
#define SIMGPU_PROCFS_H

#include <stddef.h>

/* A whole file, zero-terminated twice, to be freed. Null with errno where it cannot be read. */
char *procfs_read(int folder, const char *name, size_t *length);

/* Resident bytes, file-backed pages included. */
unsigned long long procfs_resident(int folder);

/* Whether any thread of the process runs at this moment. */
int procfs_runs(int folder);

#endif
