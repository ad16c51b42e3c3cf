/* Calls everything of the simulated NVML once, for a build with sanitizers. Exits 0 unless a sanitizer stops it. */
#include "nvml.h"

#include <stdio.h>

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int);
int nvmlSystemGetDriverVersion(char *, unsigned);
int nvmlSystemGetNVMLVersion(char *, unsigned);
int nvmlDeviceGetCount_v2(unsigned *);
int nvmlDeviceGetHandleByIndex_v2(unsigned, struct card **);
int nvmlDeviceGetHandleByPciBusId_v2(const char *, struct card **);
int nvmlDeviceGetName(const struct card *, char *, unsigned);
int nvmlDeviceGetUUID(const struct card *, char *, unsigned);
int nvmlDeviceGetPciInfo_v3(const struct card *, struct pci_info *);
int nvmlDeviceGetMemoryInfo(const struct card *, struct memory *);
int nvmlDeviceGetUtilizationRates(const struct card *, struct utilization *);
int nvmlDeviceGetPowerUsage(const struct card *, unsigned *);

int main(void) {
    char text[96], small[4];
    unsigned count = 0, number;
    struct card *card;
    int result = nvmlInit_v2();
    printf("init %d %s\n", result, nvmlErrorString(result));
    nvmlSystemGetDriverVersion(text, sizeof text);
    nvmlSystemGetNVMLVersion(text, sizeof text);
    nvmlDeviceGetCount_v2(&count);
    nvmlDeviceGetHandleByPciBusId_v2("0000:01:00.0", &card);
    for (unsigned i = 0; i <= count; i++) {
        struct pci_info pci;
        struct memory memory;
        struct utilization rates;
        if (nvmlDeviceGetHandleByIndex_v2(i, &card) != SUCCESS)
            continue;
        nvmlDeviceGetName(card, text, sizeof text);
        nvmlDeviceGetName(card, small, sizeof small);
        nvmlDeviceGetUUID(card, text, sizeof text);
        nvmlDeviceGetPciInfo_v3(card, &pci);
        nvmlDeviceGetPowerUsage(card, &number);
        if (nvmlDeviceGetMemoryInfo(card, &memory) == SUCCESS)
            printf("card %u used %llu of %llu\n", i, memory.used, memory.total);
        nvmlDeviceGetUtilizationRates(card, &rates);
    }
    nvmlShutdown();
    return 0;
}
