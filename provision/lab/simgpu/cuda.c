/* libcuda.so.1 of a lab guest: only what tells whether CUDA would start and which cards it would offer. It computes
 * nothing; the lab's engine is a CPU build. Codes as in NVIDIA's cuda.h. */
#include "simgpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    SYSTEM_DRIVER_MISMATCH = 803,
    UNKNOWN = 999,
};

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error (simulated)"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument (simulated)"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error (simulated)"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected (simulated)"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal (simulated)"},
    {SYSTEM_DRIVER_MISMATCH, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination (simulated)"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error (simulated)"},
};

static struct simulation state;
static unsigned visible[SIMGPU_MAX_CARDS];
static unsigned count;
static int initialized;

SIMGPU_EXPORT int cuInit(unsigned flags) {
    if (flags != 0)
        return INVALID_VALUE;
    switch (simgpu_load(&state)) {
    case SIMGPU_OK:
        break;
    case SIMGPU_ABSENT:
        return NO_DEVICE;
    default:
        return UNKNOWN;
    }
    if (state.driver_mismatch)
        return SYSTEM_DRIVER_MISMATCH;
    if (state.uvm_missing)
        return UNKNOWN;
    count = simgpu_visible(&state, getenv("CUDA_VISIBLE_DEVICES"), visible);
    initialized = count > 0;
    return count > 0 ? SUCCESS : NO_DEVICE;
}

SIMGPU_EXPORT int cuDriverGetVersion(int *version) {
    struct simulation read;
    if (version == NULL)
        return INVALID_VALUE;
    if (simgpu_load(&read) != SIMGPU_OK)
        return UNKNOWN;
    *version = (int)read.cuda_version;
    return SUCCESS;
}

SIMGPU_EXPORT int cuDeviceGetCount(int *answer) {
    if (!initialized)
        return NOT_INITIALIZED;
    if (answer == NULL)
        return INVALID_VALUE;
    *answer = (int)count;
    return SUCCESS;
}

static int find_device(int device, const void *answer) {
    if (!initialized)
        return NOT_INITIALIZED;
    if (answer == NULL)
        return INVALID_VALUE;
    return device >= 0 && (unsigned)device < count ? SUCCESS : INVALID_DEVICE;
}

SIMGPU_EXPORT int cuDeviceGet(int *device, int ordinal) {
    int result = find_device(ordinal, device);
    if (result == SUCCESS)
        *device = ordinal;
    return result;
}

SIMGPU_EXPORT int cuDeviceGetName(char *name, int length, int device) {
    int result = find_device(device, name);
    if (result != SUCCESS || length <= 0)
        return result != SUCCESS ? result : INVALID_VALUE;
    snprintf(name, (size_t)length, "%s", state.cards[visible[device]].name);
    return SUCCESS;
}

SIMGPU_EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    int result = find_device(device, bytes);
    if (result == SUCCESS) {
        const struct card *card = &state.cards[visible[device]];
        *bytes = (size_t)((card->memory_mib - card->reserved_mib) * SIMGPU_MIB);
    }
    return result;
}

static int find_error(int code, int names, const char **text) {
    if (text == NULL)
        return INVALID_VALUE;
    *text = NULL;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            *text = names ? errors[i].name : errors[i].text;
    return *text != NULL ? SUCCESS : INVALID_VALUE;
}

SIMGPU_EXPORT int cuGetErrorName(int code, const char **name) {
    return find_error(code, 1, name);
}

SIMGPU_EXPORT int cuGetErrorString(int code, const char **text) {
    return find_error(code, 0, text);
}
