/* libnvidia-ml.so.1 of a lab guest, second half: what one simulated card answers. */
#include "nvml.h"

#include <stdio.h>

static int check(const struct card *device, const void *answer) {
    if (nvml_references == 0)
        return UNINITIALIZED;
    if (answer == NULL)
        return INVALID_ARGUMENT;
    for (unsigned i = 0; i < nvml_state.count; i++)
        if (device == &nvml_state.cards[i])
            return SUCCESS;
    return INVALID_ARGUMENT;
}

SIMGPU_EXPORT int nvmlDeviceGetIndex(const struct card *device, unsigned *index) {
    int result = check(device, index);
    if (result == SUCCESS)
        *index = (unsigned)(device - nvml_state.cards);
    return result;
}

SIMGPU_EXPORT int nvmlDeviceGetMinorNumber(const struct card *device, unsigned *minor) {
    return nvmlDeviceGetIndex(device, minor);
}

SIMGPU_EXPORT int nvmlDeviceGetName(const struct card *device, char *name, unsigned length) {
    int result = check(device, name);
    return result == SUCCESS ? nvml_give_text(device->name, name, length) : result;
}

SIMGPU_EXPORT int nvmlDeviceGetUUID(const struct card *device, char *uuid, unsigned length) {
    int result = check(device, uuid);
    return result == SUCCESS ? nvml_give_text(device->uuid, uuid, length) : result;
}

SIMGPU_EXPORT int nvmlDeviceGetPciInfo_v3(const struct card *device, struct pci_info *pci) {
    int result = check(device, pci);
    if (result != SUCCESS)
        return result;
    *pci = (struct pci_info){.domain = device->domain, .bus = device->bus, .device = device->device};
    snprintf(pci->legacy_id, sizeof pci->legacy_id, "%04X:%02X:%02X.0", device->domain & 0xffff, device->bus & 0xff,
             device->device & 0xff);
    snprintf(pci->id, sizeof pci->id, "%08X:%02X:%02X.0", device->domain, device->bus, device->device);
    return SUCCESS;
}

/* Version 2 counts reserved memory apart from used memory. */
static int read_memory(const struct card *device, struct memory_v2 *memory) {
    unsigned long long room = (device->memory_mib - device->reserved_mib) * SIMGPU_MIB;
    struct usage usage;
    if (simgpu_measure(&nvml_state, &usage) != SIMGPU_OK)
        return NO_PERMISSION;
    memory->total = device->memory_mib * SIMGPU_MIB;
    memory->reserved = device->reserved_mib * SIMGPU_MIB;
    memory->used = usage.bytes[device - nvml_state.cards] + device->held_mib * SIMGPU_MIB;
    if (memory->used > room)
        memory->used = room;
    memory->free = room - memory->used;
    return SUCCESS;
}

SIMGPU_EXPORT int nvmlDeviceGetMemoryInfo_v2(const struct card *device, struct memory_v2 *memory) {
    int result = check(device, memory);
    if (result == SUCCESS && memory->version != MEMORY_V2)
        result = ARGUMENT_VERSION_MISMATCH;
    return result == SUCCESS ? read_memory(device, memory) : result;
}

/* Version 1 counts reserved memory as used: used + free is the total. */
SIMGPU_EXPORT int nvmlDeviceGetMemoryInfo(const struct card *device, struct memory *memory) {
    struct memory_v2 counted;
    int result = check(device, memory);
    if (result == SUCCESS)
        result = read_memory(device, &counted);
    if (result == SUCCESS)
        *memory = (struct memory){counted.total, counted.free, counted.used + counted.reserved};
    return result;
}

/* 100 while a process that was given the card runs, else 0: a look at one moment, not a period. */
SIMGPU_EXPORT int nvmlDeviceGetUtilizationRates(const struct card *device, struct utilization *rates) {
    struct usage usage;
    int result = check(device, rates);
    if (result == SUCCESS && simgpu_measure(&nvml_state, &usage) != SIMGPU_OK)
        result = NO_PERMISSION;
    if (result == SUCCESS)
        rates->gpu = rates->memory = usage.busy[device - nvml_state.cards] ? 100 : 0;
    return result;
}

static int give_number(const struct card *device, unsigned value, unsigned *answer) {
    int result = check(device, answer);
    if (result == SUCCESS && value == 0)
        result = NOT_SUPPORTED;
    if (result == SUCCESS)
        *answer = value;
    return result;
}

SIMGPU_EXPORT int nvmlDeviceGetTemperature(const struct card *device, unsigned sensor, unsigned *celsius) {
    int result = check(device, celsius);
    if (result != SUCCESS || sensor != 0)
        return result != SUCCESS ? result : INVALID_ARGUMENT;
    return give_number(device, device->temperature_c, celsius);
}

SIMGPU_EXPORT int nvmlDeviceGetTemperatureV(const struct card *device, struct temperature *answer) {
    unsigned celsius = 0;
    int result = check(device, answer);
    if (result == SUCCESS && answer->version != TEMPERATURE_V1)
        result = ARGUMENT_VERSION_MISMATCH;
    if (result == SUCCESS)
        result = nvmlDeviceGetTemperature(device, answer->sensor, &celsius);
    if (result == SUCCESS)
        answer->celsius = (int)celsius;
    return result;
}

SIMGPU_EXPORT int nvmlDeviceGetPowerUsage(const struct card *device, unsigned *milliwatts) {
    int result = check(device, milliwatts);
    return result == SUCCESS ? give_number(device, device->power_mw, milliwatts) : result;
}

SIMGPU_EXPORT int nvmlDeviceGetPowerManagementLimit(const struct card *device, unsigned *milliwatts) {
    int result = check(device, milliwatts);
    return result == SUCCESS ? give_number(device, device->power_limit_mw, milliwatts) : result;
}

SIMGPU_EXPORT int nvmlDeviceGetEnforcedPowerLimit(const struct card *device, unsigned *milliwatts) {
    return nvmlDeviceGetPowerManagementLimit(device, milliwatts);
}

/* Inside a container NVML does not see the pids of its processes: the lists are empty there. */
SIMGPU_EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(const struct card *device, unsigned *count, void *processes) {
    int result = check(device, count);
    (void)processes;
    if (result == SUCCESS)
        *count = 0;
    return result;
}

SIMGPU_EXPORT int nvmlDeviceGetGraphicsRunningProcesses_v3(const struct card *device, unsigned *count, void *processes) {
    return nvmlDeviceGetComputeRunningProcesses_v3(device, count, processes);
}
