/* libnvidia-ml.so.1 of a lab guest, first half: start, texts, and finding the simulated cards.
 *
 * NVML's own symbols, structures and error codes, as in NVIDIA's nvml.h, which nvidia-ml-py mirrors. What is not here is
 * absent, as in an older driver: pynvml then raises NVMLError_FunctionNotFound.
 */
#include "nvml.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct simulation nvml_state;
unsigned nvml_references;

static int start(void) {
    switch (simgpu_load(&nvml_state)) {
    case SIMGPU_OK:
        return nvml_state.driver_mismatch ? LIB_RM_VERSION_MISMATCH : SUCCESS;
    case SIMGPU_ABSENT:
        return DRIVER_NOT_LOADED;
    default:
        return UNKNOWN;
    }
}

SIMGPU_EXPORT int nvmlInitWithFlags(unsigned flags) {
    int result;
    (void)flags;
    pthread_mutex_lock(&lock);
    result = nvml_references > 0 ? SUCCESS : start();
    nvml_references += result == SUCCESS;
    pthread_mutex_unlock(&lock);
    return result;
}

SIMGPU_EXPORT int nvmlInit_v2(void) {
    return nvmlInitWithFlags(0);
}

SIMGPU_EXPORT int nvmlShutdown(void) {
    int result = UNINITIALIZED;
    pthread_mutex_lock(&lock);
    if (nvml_references > 0) {
        nvml_references--;
        result = SUCCESS;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

SIMGPU_EXPORT const char *nvmlErrorString(int result) {
    switch (result) {
    case SUCCESS:
        return "Success (simulated)";
    case UNINITIALIZED:
        return "Uninitialized (simulated)";
    case INVALID_ARGUMENT:
        return "Invalid Argument (simulated)";
    case NOT_SUPPORTED:
        return "Not Supported (simulated)";
    case NO_PERMISSION:
        return "Insufficient Permissions (simulated)";
    case NOT_FOUND:
        return "Not Found (simulated)";
    case INSUFFICIENT_SIZE:
        return "Insufficient Size (simulated)";
    case DRIVER_NOT_LOADED:
        return "Driver Not Loaded (simulated)";
    case LIB_RM_VERSION_MISMATCH:
        return "Driver/library version mismatch (simulated)";
    case ARGUMENT_VERSION_MISMATCH:
        return "The provided version is invalid/unsupported (simulated)";
    default:
        return "Unknown Error (simulated)";
    }
}

int nvml_give_text(const char *text, char *to, unsigned size) {
    if (to == NULL)
        return INVALID_ARGUMENT;
    return simgpu_copy(to, size, text) ? SUCCESS : INSUFFICIENT_SIZE;
}

SIMGPU_EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    return nvml_references == 0 ? UNINITIALIZED : nvml_give_text(nvml_state.driver_version, version, length);
}

/* NVML numbers itself by the CUDA release it came with and the driver: 13.580.126.18. */
SIMGPU_EXPORT int nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    char text[96];
    if (nvml_references == 0)
        return UNINITIALIZED;
    snprintf(text, sizeof text, "%u.%s", nvml_state.cuda_version / 1000, nvml_state.driver_version);
    return nvml_give_text(text, version, length);
}

SIMGPU_EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (version == NULL)
        return INVALID_ARGUMENT;
    *version = (int)nvml_state.cuda_version;
    return nvml_state.cuda_version > 0 ? SUCCESS : NOT_SUPPORTED;
}

SIMGPU_EXPORT int nvmlSystemGetCudaDriverVersion(int *version) {
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

SIMGPU_EXPORT int nvmlDeviceGetCount_v2(unsigned *count) {
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (count == NULL)
        return INVALID_ARGUMENT;
    *count = nvml_state.count;
    return SUCCESS;
}

SIMGPU_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct card **device) {
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (device == NULL || index >= nvml_state.count)
        return INVALID_ARGUMENT;
    *device = &nvml_state.cards[index];
    return SUCCESS;
}

SIMGPU_EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, struct card **device) {
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (device == NULL || uuid == NULL)
        return INVALID_ARGUMENT;
    for (unsigned i = 0; i < nvml_state.count; i++)
        if (strcmp(nvml_state.cards[i].uuid, uuid) == 0)
            return nvmlDeviceGetHandleByIndex_v2(i, device);
    return NOT_FOUND;
}

SIMGPU_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *id, struct card **device) {
    unsigned domain, bus, slot;
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (device == NULL || id == NULL || sscanf(id, "%8x:%2x:%2x", &domain, &bus, &slot) != 3)
        return INVALID_ARGUMENT;
    for (unsigned i = 0; i < nvml_state.count; i++)
        if (nvml_state.cards[i].domain == domain && nvml_state.cards[i].bus == bus && nvml_state.cards[i].device == slot)
            return nvmlDeviceGetHandleByIndex_v2(i, device);
    return NOT_FOUND;
}
