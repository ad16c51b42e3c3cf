/* What the two halves of libnvidia-ml.so.1 share: NVML's return codes, structures and the library's state. */
#ifndef SIMGPU_NVML_H
#define SIMGPU_NVML_H

#include "simgpu.h"

enum nvml_return {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
    LIB_RM_VERSION_MISMATCH = 18,
    ARGUMENT_VERSION_MISMATCH = 25,
    UNKNOWN = 999,
};

struct pci_info {
    char legacy_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
};
struct memory {
    unsigned long long total, free, used;
};
struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
struct utilization {
    unsigned gpu, memory;
};
struct temperature {
    unsigned version, sensor;
    int celsius;
};
#define MEMORY_V2 (sizeof(struct memory_v2) | 2U << 24)
#define TEMPERATURE_V1 (sizeof(struct temperature) | 1U << 24)

/* Set by nvmlInit, unchanged while `nvml_references` is not 0. */
extern struct simulation nvml_state;
extern unsigned nvml_references;

/* Copies an answer of NVML: SUCCESS, INVALID_ARGUMENT or INSUFFICIENT_SIZE. */
int nvml_give_text(const char *text, char *to, unsigned size);

#endif
